"use strict";
/* Remembers who is on duty: the name chosen on this device for this gate stays chosen after reloads,
   nights and new sessions, as long as it is on the list. */
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
