// CONTROL/MONITORING follows by itself: asks for the live part every two seconds, changes
// what differs, marks rows whose state changed, and says when nobody answers any more.

import { morph } from "./morph.js";

const EVERY_MS = 2000;
const ANSWER_WITHIN_MS = 15000;
const MARKED_MS = 6000;
const TYPING_MS = 150;

const live = document.getElementById("live");
const banner = document.getElementById("banner");
const announce = document.getElementById("announce");
const word = document.querySelector("[data-heard]");
const ago = document.querySelector("[data-heard-ago]");
const closed = new Set(JSON.parse(sessionStorage.getItem("closed") ?? "[]"));

let etag = null;
let heardAt = performance.now();
let timer = 0;
let round = 0;

async function ask() {
  clearTimeout(timer);
  const mine = ++round;
  const began = performance.now();
  try {
    const reply = await fetch(live.dataset.source + location.search, {
      headers: etag ? { "If-None-Match": etag } : {},
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    if (mine !== round) return; // the question has changed meanwhile
    if (reply.status === 401 || reply.type === "opaqueredirect") return loggedOut();
    if (reply.status === 200) {
      const fresh = await reply.json();
      if (mine !== round) return;
      etag = reply.headers.get("ETag");
      draw(fresh);
    } else if (reply.status !== 304) {
      throw new Error(`status ${reply.status}`);
    }
    heard();
  } catch {
    if (mine === round) lost();
  }
  if (mine !== round) return;
  // A page of thousands of rows takes its time; leave the browser four fifths of it.
  timer = setTimeout(ask, Math.max(EVERY_MS, 4 * (performance.now() - began)));
}

function draw(fresh) {
  replace(banner, fresh.banner);
  const sentences = [];
  replace(live, fresh.live, (element) => {
    mark(element);
    sentences.push(`${element.dataset.name}: ${element.dataset.state}`);
  });
  if (sentences.length > 0) announce.textContent = sentences.slice(0, 5).join(". ");
  fold();
}

function replace(element, html, onState = () => {}) {
  const fresh = element.cloneNode(false);
  fresh.innerHTML = html;
  morph(element, fresh, onState);
}

function mark(element) {
  element.setAttribute("data-changed", "");
  setTimeout(() => element.removeAttribute("data-changed"), MARKED_MS);
}

function heard() {
  heardAt = performance.now();
  document.body.classList.remove("disconnected");
  tell("Live");
  ago.textContent = "";
}

function lost() {
  document.body.classList.add("disconnected");
  tell("Disconnected");
  tick();
}

function tick() {
  if (!document.body.classList.contains("disconnected")) return;
  const seconds = Math.round((performance.now() - heardAt) / 1000);
  const words = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  ago.textContent = `last heard ${words} ago`;
}

function loggedOut() {
  document.body.classList.add("disconnected");
  tell("Logged out");
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = "log in again";
  ago.removeAttribute("aria-hidden");
  ago.replaceChildren(link);
}

// Only a new word is written: the line is read aloud when it changes.
function tell(text) {
  if (word.textContent !== text) word.textContent = text;
}

function filterWhileTyping() {
  let wait = 0;
  live.addEventListener("input", (event) => {
    if (!event.target.matches("[data-filter]")) return;
    clearTimeout(wait);
    wait = setTimeout(() => {
      const address = new URL(location.href);
      if (event.target.value) address.searchParams.set("q", event.target.value);
      else address.searchParams.delete("q");
      address.searchParams.delete("page");
      history.replaceState(null, "", address);
      etag = null;
      ask();
    }, TYPING_MS);
  });
}

// A virtual server opens to its real servers; which ones are closed outlives the page.
function fold() {
  for (const button of live.querySelectorAll("[data-toggle]")) {
    const group = button.closest("tbody");
    const isClosed = closed.has(group.dataset.key);
    group.toggleAttribute("data-closed", isClosed);
    button.setAttribute("aria-expanded", String(!isClosed));
  }
}

live.addEventListener("click", (event) => {
  const button = event.target.closest("[data-toggle]");
  if (!button) return;
  const key = button.closest("tbody").dataset.key;
  if (!closed.delete(key)) closed.add(key);
  sessionStorage.setItem("closed", JSON.stringify([...closed]));
  fold();
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else ask();
});

fold();
filterWhileTyping();
heard();
setInterval(tick, 1000);
timer = setTimeout(ask, EVERY_MS);
