// What pages gain where scripts may run: times in the reader's own zone, lists that go on
// without losing one's place, and an editor that says what is wrong as one types.
//
// Everything works without this file. No rule and no word of the market stands here: what is
// wrong, and what a page says, is asked of the server, whose own pages are taken apart.

// -- Times ----------------------------------------------------------------------------------

const DAY = { day: "numeric", month: "short", year: "numeric" };
const day = new Intl.DateTimeFormat("en-GB", DAY);
const exact = new Intl.DateTimeFormat("en-GB", {
  ...DAY, hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});

// Shows days in the reader's zone, and the exact time there and in UTC to whoever points at one.
function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    time.dataset.local = "";
    const local = exact.format(at);
    if (!local.endsWith("UTC")) time.title = `${local} (${time.title})`;
    if ("day" in time.dataset) time.textContent = day.format(at);
  }
}

// -- What is said to those who do not see ----------------------------------------------------

const status = document.createElement("p");
status.className = "hidden";
status.setAttribute("role", "status");

function say(text) {
  if (status.textContent !== text) status.textContent = text;
}

// -- Lists that go on in their place ----------------------------------------------------------

const PART = "section[aria-labelledby]";

async function load(url, options) {
  const answer = await fetch(url, { credentials: "same-origin", ...options });
  // Whoever is signed out meanwhile is led elsewhere: that is not what was asked for.
  if (!answer.ok || answer.redirected) throw new Error(`${answer.status} from ${answer.url}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function twinOf(part, page) {
  return page.querySelector(`section[aria-labelledby="${part.getAttribute("aria-labelledby")}"]`);
}

let replacing;

// Replaces one section of the page by what it is at another address. What was asked for before
// is not waited for any longer: the address and the lists say the same.
async function replacePart(part, url, refocus) {
  replacing?.abort();
  const { signal } = (replacing = new AbortController());
  document.querySelector(`${PART}[aria-busy]`)?.removeAttribute("aria-busy");
  part.setAttribute("aria-busy", "true");
  const page = await load(url, { signal }).catch(() => null);
  if (signal.aborted) return;
  // What cannot be had in this way is had in the usual one.
  if (!page || !twinOf(part, page)) return location.assign(url);
  history.replaceState({ replaced: true }, "");
  history.pushState({ replaced: true }, "", url);
  const fresh = document.adoptNode(twinOf(part, page));
  showLocalTimes(fresh);
  part.replaceWith(fresh);
  leadOn(page);
  refocus(fresh).focus({ preventScroll: true });
  fresh.scrollIntoView({ block: "nearest" });
  say(fresh.querySelector(".paging span.muted")?.textContent ?? heading(fresh).textContent);
}

// The page's other lists stay as they are, but lead on from where this one is now.
function leadOn(page) {
  for (const part of document.querySelectorAll(PART)) {
    const ways = (part) => part?.querySelectorAll("nav.paging, form[method=get] input[type=hidden]") ?? [];
    const [mine, theirs] = [ways(part), ways(twinOf(part, page))];
    if (mine.length === theirs.length) mine.forEach((way, place) => way.replaceWith(document.adoptNode(theirs[place])));
  }
}

function heading(part) {
  const found = part.querySelector("h2, h3") ?? part;
  found.tabIndex = -1;
  return found;
}

function followLink(event) {
  const link = event.target.closest("nav.paging a, nav.chips a");
  const part = link?.closest(PART);
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!part || !isPlain) return;
  event.preventDefault();
  const same = link.rel ? `a[rel="${link.rel}"]` : `a[href="${CSS.escape(link.getAttribute("href"))}"]`;
  const again = (fresh) => fresh.querySelector(`nav ${same}`) ?? heading(fresh);
  replacePart(part, link.href, again);
}

function followFilter(event) {
  const form = event.target;
  const part = form.closest(PART);
  if (form.method !== "get" || !part || event.defaultPrevented) return;
  event.preventDefault();
  const url = new URL(form.action);
  url.search = new URLSearchParams(new FormData(form, event.submitter));
  const id = document.activeElement?.id;
  const again = (fresh) =>
    (id && fresh.querySelector(`#${CSS.escape(id)}`)) || fresh.querySelector("form [type=submit]") || heading(fresh);
  replacePart(part, url.href, again);
}

// -- The editor of a manifest ------------------------------------------------------------------

// How long after the last key the server is asked, in milliseconds.
const PAUSE = 500;

// Counts what is typed where there is a limit, in characters as the server counts them.
function count(field) {
  const counter = document.createElement("small");
  counter.className = "counter";
  // It would be read aloud with every key; the limit itself stands below the field.
  counter.setAttribute("aria-hidden", "true");
  const show = () => (counter.textContent = `${[...field.value].length} of ${field.maxLength}`);
  field.after(counter);
  field.addEventListener("input", show);
  show();
}

// Takes over what the server says of what was typed: beside the fields and in the summary.
function showProblems(form, answer) {
  for (const place of form.querySelectorAll(".field-error")) {
    place.textContent = answer.getElementById(place.id)?.textContent ?? "";
  }
  for (const field of form.elements) {
    const twin = field.id && answer.getElementById(field.id);
    for (const name of twin ? ["aria-invalid", "aria-describedby"] : []) {
      if (twin.hasAttribute(name)) field.setAttribute(name, twin.getAttribute(name));
      else field.removeAttribute(name);
    }
  }
  const summary = form.querySelector("#problems");
  summary.textContent = answer.getElementById("problems")?.textContent ?? "";
  const field = document.activeElement;
  const here = form.contains(field) && document.getElementById(`error-${field.id}`);
  say(`${here ? here.textContent : ""} ${summary.textContent}`.trim());
}

// Pictures that were sent are kept by the server: its field names them and shows them, so that
// they are sent once.
function showPictures(form, answer) {
  for (const input of form.querySelectorAll("input[type=file]")) {
    const fresh = answer.getElementById(input.id)?.closest(".field");
    const hadFocus = document.activeElement === input;
    if (!fresh || !input.files.length) continue;
    input.closest(".field").replaceWith(document.adoptNode(fresh));
    if (hadFocus) form.querySelector(`#${CSS.escape(input.id)}`).focus();
  }
}

// The server has room for another plan once the last one is filled in.
function showPlans(form, answer) {
  const mine = form.querySelectorAll(".plan");
  const theirs = answer.querySelectorAll(".plan");
  for (const plan of [...theirs].slice(mine.length)) mine[mine.length - 1].after(document.adoptNode(plan));
}

// A pane with the page as consumers will see it. It is only to look at, so nobody's tab key gets
// lost in it; the button beside it opens the same page as a page.
function preview(form, button) {
  const pane = document.createElement("details");
  pane.className = "live-preview";
  const summary = document.createElement("summary");
  summary.textContent = button.dataset.pane;
  const page = document.createElement("div");
  page.inert = true;
  const shadow = page.attachShadow({ mode: "open" });
  shadow.append(document.querySelector("link[rel=stylesheet]").cloneNode());
  pane.append(summary, page);
  form.after(pane);
  let asking;
  // Of several that are under way only the last one is shown.
  const refresh = async () => {
    asking?.abort();
    if (!pane.open) return;
    const { signal } = (asking = new AbortController());
    const shown = await load(button.formAction, { method: "POST", body: new FormData(form), signal });
    const main = document.adoptNode(shown.querySelector("main"));
    showLocalTimes(main);
    shadow.querySelector("main")?.remove();
    shadow.append(main);
  };
  pane.addEventListener("toggle", () => refresh().catch(() => {}));
  return refresh;
}

function watch(form) {
  for (const field of form.querySelectorAll("[data-count]")) count(field);
  const button = form.querySelector("button[data-pane]");
  const refresh = button && preview(form, button);
  let timer, asking;
  const ask = async () => {
    asking?.abort();
    const mine = (asking = new AbortController());
    try {
      const body = new FormData(form);
      const answer = await load(form.dataset.check, { method: "POST", body, signal: mine.signal });
      showPictures(form, answer);
      showProblems(form, answer);
      showPlans(form, answer);
      await refresh?.();
    } catch {
      // Nothing is lost: the form is sent as ever, and saving says what is wrong.
    }
  };
  form.addEventListener("input", (event) => {
    clearTimeout(timer);
    timer = setTimeout(ask, event.target.type === "file" ? 0 : PAUSE);
  });
}

// -- Here it begins ------------------------------------------------------------------------------

document.body.append(status);
showLocalTimes(document);
document.addEventListener("click", followLink);
document.addEventListener("submit", followFilter);
// Going back to a part that was replaced shows the page as it was.
addEventListener("popstate", (event) => event.state?.replaced && location.reload());
for (const form of document.querySelectorAll("form[data-check]")) watch(form);
