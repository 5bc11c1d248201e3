// Text fields that offer what fits while somebody types: the editable combobox with a list box, see
// https://www.w3.org/WAI/ARIA/apg/patterns/combobox/. The server draws what is offered. Without this
// script the field is a plain one, and the page that answers asks what was meant.
//
//   <input data-options="where to ask" data-choice="the field that carries the value of what was
//          chosen" data-choice-for="the one that carries the text which that value stands for">

const PAUSE = 150; // milliseconds without a key before the server is asked
const FAULT = "No suggestions can be had just now. What you type counts all the same.";
const MOVES_THE_CARET = ["Home", "End", "ArrowLeft", "ArrowRight"];

function draw(tag, attributes) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

class Combobox {
  constructor(input) {
    const id = `${input.id}-options`;
    const look = { class: "options", hidden: "" };
    this.input = input;
    this.list = draw("ul", { id, role: "listbox", "aria-label": "Suggestions", ...look });
    this.status = draw("p", { role: "status", class: "visually-hidden" });
    this.carried = [];
    input.after(this.list);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", id);
    this.listen();
  }

  listen() {
    const prepare = () => this.list.after(this.status); // it speaks only if it was there before
    if (document.activeElement === this.input) prepare();
    this.input.addEventListener("focus", prepare);
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.input.addEventListener("blur", () => this.rest());
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the focus
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.choose(option);
    });
  }

  get active() {
    return this.list.querySelector("[aria-selected=true]");
  }

  typed() {
    this.forget();
    this.rest();
    if (this.input.value.trim()) this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  // Ask for nothing, offer nothing.
  rest() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.open(false);
    this.say("");
  }

  async ask(then) {
    this.request?.abort();
    this.request = new AbortController();
    const address = new URL(this.input.dataset.options, location.href);
    address.searchParams.set("q", this.input.value);
    const headers = { "X-Partial": "options" };
    try {
      const response = await fetch(address, { headers, signal: this.request.signal });
      // A session that has ended leads to the page that asks who one is.
      if (!response.ok || response.redirected) throw new Error(response.statusText);
      this.show(await response.text());
      then?.();
    } catch (error) {
      if (error.name !== "AbortError") this.say(FAULT, "options-fault");
    }
  }

  show(html) {
    this.list.innerHTML = html; // which escapes what people have written
    const options = [...this.list.children];
    for (const [index, option] of options.entries()) option.id = `${this.list.id}-${index}`;
    this.open(options.length > 0);
    this.say(options.length === 1 ? "1 suggestion" : `${options.length || "No"} suggestions`);
  }

  say(words, look = "visually-hidden") {
    this.status.textContent = words;
    this.status.className = look;
  }

  open(open) {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", open);
    this.activate(null);
  }

  activate(option) {
    this.active?.setAttribute("aria-selected", "false");
    this.input.removeAttribute("aria-activedescendant");
    if (!option) return;
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  pressed(event) {
    if (!event.isComposing && this.uses(event.key)) event.preventDefault();
  }

  // Whether the key was of use here; any other does what it does in every field.
  uses(key) {
    if (key === "ArrowDown" || key === "ArrowUp") this.move(key === "ArrowDown" ? 1 : -1);
    else if (key === "Enter" && this.active) this.choose(this.active);
    else if (key === "Escape" && !this.list.hidden) this.rest();
    else {
      if (MOVES_THE_CARET.includes(key)) this.activate(null);
      return false;
    }
    return true;
  }

  move(step) {
    if (this.list.hidden) {
      if (this.input.value.trim()) this.ask(() => this.move(step));
      return;
    }
    const options = [...this.list.children];
    const from = this.active ? options.indexOf(this.active) : Math.min(0, -step);
    this.activate(options.at((from + step) % options.length));
  }

  choose(option) {
    const { choice, choiceFor } = this.input.dataset;
    this.input.value = option.dataset.text;
    this.forget();
    this.rest();
    this.input.parentElement.querySelector(".choices")?.remove(); // the page asked the same
    if (choice) this.carry(choice, option.dataset.value);
    if (choiceFor) this.carry(choiceFor, option.dataset.text);
  }

  // What was chosen holds until somebody types again.
  forget() {
    for (const field of this.carried.splice(0)) field.remove();
  }

  carry(name, value) {
    this.input.form.querySelector(`input[type=hidden][name="${name}"]`)?.remove();
    const field = draw("input", { type: "hidden", name, value });
    this.input.form.append(field);
    this.carried.push(field);
  }
}

for (const input of document.querySelectorAll("input[data-options]")) new Combobox(input);
