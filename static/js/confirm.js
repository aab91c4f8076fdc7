// A form with data-confirm="sentence" asks before it is sent; Esc and Keep are "no".

export function askBeforeLoss() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    const question = button?.dataset.confirm ?? form.dataset.confirm;
    if (!question || form.dataset.confirmed) return;
    event.preventDefault();
    ask(question, button?.textContent.trim() || "Go on").then((yes) => {
      if (!yes) return;
      form.dataset.confirmed = "yes";
      form.requestSubmit(button);
      delete form.dataset.confirmed;
    });
  });
}

function ask(question, caption) {
  const dialog = document.createElement("dialog");
  const title = document.createElement("h2");
  title.textContent = question;
  const buttons = document.createElement("form");
  buttons.method = "dialog";
  buttons.className = "btns body";
  buttons.append(button("Keep", "", ""), button(caption, "yes", "danger"));
  dialog.append(title, buttons);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}

function button(caption, value, kind) {
  const element = document.createElement("button");
  element.className = `btn ${kind}`;
  element.value = value;
  element.textContent = caption;
  return element;
}
