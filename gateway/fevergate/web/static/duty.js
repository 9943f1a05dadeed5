"use strict";
/* Who is on duty: the name that was chosen on this device for this gate stays chosen, over reloads,
   nights and sessions, for as long as it is on the list. */
const duty = (() => {
  const KEY = "fevergate-on-duty-" + gate;

  function restore() {
    const name = localStorage.getItem(KEY);
    if ([...find("by").options].some((option) => option.value === name)) find("by").value = name;
  }

  document.addEventListener("change", (event) => {
    if (event.target.id === "by") localStorage.setItem(KEY, event.target.value);
  });
  restore();
  return { restore };
})();
