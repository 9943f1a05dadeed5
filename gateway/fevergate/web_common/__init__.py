"""What the gateway's and the campus server's web applications share.

Signing in: `accounts`, `passwords`, `tokens`, `middleware`, `sign_in`, `account_pages`. The
database of accounts and audit: `store`, `schema`. Pages: `page_maker`, `routes`, `dates`. Reports
as tables and files: `tables`, `exports`, `downloads`. Notices: `notice_log`,
`notice_sender`, `told_cases`. The server itself: `https_server`.
"""
