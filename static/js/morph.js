// Makes a tree like another one by changing only what differs, so that focus, selection,
// scroll positions and open parts stay. Children with data-key are matched by it.

// These attributes belong to the page in front of the person, not to the server.
const OURS = new Set(["data-changed", "data-closed", "open", "aria-expanded"]);

// onState(element, before) is called for an element whose data-state became another.
export function morph(old, fresh, onState) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE || old.matches("input")) return;
  const before = old.getAttribute("data-state");
  attributes(old, fresh);
  children(old, fresh, onState);
  if (before !== null && before !== old.getAttribute("data-state")) onState(old, before);
}

function attributes(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (!OURS.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!OURS.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
}

function children(old, fresh, onState) {
  const wantedKeys = new Set([...fresh.children].map(keyOf));
  const keyed = new Map();
  for (const child of [...old.children]) {
    const key = keyOf(child);
    if (key && !wantedKeys.has(key)) child.remove();
    else if (key) keyed.set(key, child);
  }
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const key = keyOf(wanted);
    const match = key ? keyed.get(key) : nextLike(place, wanted);
    if (!match) {
      old.insertBefore(wanted, place);
      continue;
    }
    // What has focus would lose it by being moved, so what stands before it goes.
    while (place && place !== match && !keyOf(place)) place = removed(place);
    if (place === match) place = place.nextSibling;
    else old.insertBefore(match, place);
    morph(match, wanted, onState);
  }
  while (place) place = removed(place);
}

// Removes a node and returns the one after it.
function removed(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.dataset.key : undefined;
}

function nextLike(place, wanted) {
  for (let node = place; node; node = node.nextSibling) {
    if (node.nodeName === wanted.nodeName && !keyOf(node)) return node;
  }
  return null;
}
