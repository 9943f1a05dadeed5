"""What the gateway's and the campus server's web applications share.

Signing in: `accounts`, `passwords`, `tokens`, `middleware`, `sign_in`, `account_pages`. The
database of accounts and audit: `store`, `schema`, `audit_words`, `audit_forgetting`. All pages:
`page_maker`, `routes`, `dates`. Pages of registers: `register_pages`; of the list of people:
`list_pages`, `list_upload`, `roll_pages`; of duty: `roster_pages`; the privacy notice to hang up:
`privacy_page`. Reports as tables and files: `tables`, `exports`, `downloads`, `sheet_files`,
`pdf_report`. Notices: `notice_log`, `notice_sender`, `told_cases`, `case_pages`. The server:
`https_server`.
"""
