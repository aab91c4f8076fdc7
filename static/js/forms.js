// A form with an accept bar knows what was changed since it was loaded: it counts the
// changes, names them, and asks before they are lost by leaving the page.

export function watchForms() {
  for (const note of document.querySelectorAll("[data-changes]")) {
    const form = note.closest("form");
    if (form) watch(form, note);
  }
}

function watch(form, note) {
  const atRest = note.textContent;
  const refused = document.getElementById("error-summary") !== null;
  let leaving = false;

  const show = () => {
    const changes = changesOf(form);
    for (const field of form.querySelectorAll(".field")) {
      field.classList.toggle("changed", changes.some((c) => c.field === field));
    }
    if (changes.length > 0) put(note, summary(changes));
    else note.textContent = refused ? "Not stored yet: see the messages." : atRest;
  };

  form.addEventListener("input", show);
  form.addEventListener("change", show);
  // After a reset the values are back only when the event is over.
  form.addEventListener("reset", () => setTimeout(show));
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented) leaving = true;
  });
  form.querySelector("[data-discard]")?.addEventListener("click", () => {
    leaving = true;
  });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && (refused || changesOf(form).length > 0)) event.preventDefault();
  });
  window.addEventListener("pageshow", () => {
    leaving = false;
    show();
  });
}

// A press on the list ends the typing in a field: the list must still be there to open.
function put(note, fresh) {
  const shown = note.querySelector("details");
  fresh.open = shown?.open ?? false;
  if (!shown?.isEqualNode(fresh)) note.replaceChildren(fresh);
}

function changesOf(form) {
  const changes = new Map();
  for (const control of form.elements) {
    if (control.disabled || !control.name || control.type === "hidden") continue;
    const change = changeOf(control);
    if (!change) continue;
    const field = control.closest(".field");
    const name = field?.dataset.field || control.name;
    // The radio button that was chosen tells more than the one that was left.
    if (!changes.has(name) || change.to !== "off") {
      changes.set(name, { field, name, ...change });
    }
  }
  return [...changes.values()];
}

function changeOf(control) {
  if (control instanceof HTMLSelectElement) {
    const was = [...control.options].find((o) => o.defaultSelected) ?? control.options[0];
    const is = control.selectedOptions[0];
    if (was === is) return null;
    return { from: was?.text.trim(), to: is?.text.trim() };
  }
  if (control.type === "checkbox" || control.type === "radio") {
    if (control.checked === control.defaultChecked) return null;
    if (control.type === "checkbox") {
      return { from: onOff(!control.checked), to: onOff(control.checked) };
    }
    return { from: "", to: control.checked ? labelOf(control) : "off" };
  }
  if ("defaultValue" in control && control.value !== control.defaultValue) {
    const secret = control.type === "password";
    return {
      from: secret ? "" : control.defaultValue,
      to: secret ? "a new one" : control.value,
    };
  }
  return null;
}

function onOff(on) {
  return on ? "on" : "off";
}

function labelOf(control) {
  return control.closest("label")?.textContent.trim() ?? control.value;
}

function summary(changes) {
  const box = document.createElement("details");
  const count = document.createElement("summary");
  const bold = document.createElement("b");
  bold.textContent = changes.length === 1 ? "1 change" : `${changes.length} changes`;
  count.append(bold, `: ${changes.map((c) => c.name).join(", ")}`);
  const list = document.createElement("ul");
  list.className = "change-list";
  for (const { name, from, to } of changes) {
    const item = document.createElement("li");
    const values = document.createElement("span");
    values.className = "mono";
    values.textContent = `${from || "blank"} → ${to || "blank"}`;
    item.append(`${name}: `, values);
    list.append(item);
  }
  box.append(count, list);
  return box;
}
