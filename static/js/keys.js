// Keys: / filters, ? lists the keys, Esc closes. Never while somebody types in a field.

const KEYS = [
  ["/", "filter the list"],
  ["Esc", "empty the filter, close this list"],
  ["?", "this list"],
  ["Tab", "next field or button, in the order in which they are seen"],
];

export function listenForKeys() {
  const hint = document.querySelector("[data-keys-hint]");
  if (hint) hint.hidden = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const filter = document.querySelector("[data-filter]");
    if (event.key === "Escape" && filter && event.target === filter) {
      filter.value = "";
      filter.dispatchEvent(new Event("input", { bubbles: true }));
      return;
    }
    if (typing(event.target)) return;
    if (event.key === "/" && filter) {
      event.preventDefault();
      filter.focus();
      filter.select();
    } else if (event.key === "?") {
      event.preventDefault();
      showKeys();
    }
  });
}

function typing(element) {
  if (element.matches("textarea, select") || element.isContentEditable) return true;
  return element.matches("input:not([type=checkbox], [type=radio], [type=submit])");
}

function showKeys() {
  if (document.getElementById("keys")) return;
  const dialog = document.createElement("dialog");
  dialog.id = "keys";
  dialog.setAttribute("aria-labelledby", "keys-title");
  const title = document.createElement("h2");
  title.id = "keys-title";
  title.textContent = "Keys";
  const list = document.createElement("dl");
  list.className = "keys body";
  for (const [key, words] of KEYS) {
    const term = document.createElement("dt");
    const cap = document.createElement("kbd");
    cap.textContent = key;
    term.append(cap);
    const meaning = document.createElement("dd");
    meaning.textContent = words;
    list.append(term, meaning);
  }
  const close = document.createElement("form");
  close.method = "dialog";
  close.className = "btns";
  const button = document.createElement("button");
  button.className = "btn";
  button.textContent = "Close";
  close.append(button);
  dialog.append(title, list, close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
