"use strict";
/* Shows who tapped a card at this gate, for a minute or while that person's alarm is on. An event
   has no names, it only says that the people have changed; names are loaded by this gate's board
   alone, and the audit notes each time they are shown. */
const passers = (() => {
  let mark = "";

  function show(people) {
    const list = find("passers");
    list.hidden = people.length === 0;
    list.replaceChildren(...people.map((person) => {
      const item = document.createElement("li");
      if (person.stopped) item.className = "stopped";
      const sign = person.fever ? "▲ " : person.stopped ? "✕ " : "✓ ";
      const name = document.createElement("strong");
      name.textContent = person.name;
      item.append(sign, name, ["", person.unit, person.permit, person.fever ? say.fever : "", person.kiosk].filter((word, n) => n === 0 || word).join(" · "));
      return item;
    }));
  }

  async function read(wanted) {
    try {
      const answer = await ask(`/board/${gate}/who`, { redirect: "manual", headers: { "x-fevergate-refresh": "1" } });
      if (mark !== wanted) return;
      if (answer.ok) return show(JSON.parse(answer.text).people);
    } catch (error) { /* the next event tries again */ }
    if (mark === wanted) mark = "?";
  }

  function follow(now) {
    if (now === mark) return;
    mark = now;
    if (now) read(now);
    else show([]);
  }

  return { follow };
})();
