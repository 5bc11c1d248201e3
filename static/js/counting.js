// What is counted after the rows are there, as that may take longer than to find a page of them. The
// server counts as far as 10,000. Without this script a link counts.
//
//   <p data-counted="where the same page is with its rows counted">

for (const total of document.querySelectorAll("[data-counted]")) {
  const response = await fetch(total.dataset.counted).catch(() => null);
  if (!response?.ok) continue; // what is there is true, and the link still counts
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const counted = page.querySelector(".total");
  if (counted) total.replaceChildren(...counted.childNodes);
}
