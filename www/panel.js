// panel.js: the side panel over a list (the whole page on a phone). The router closes it: going back is a link.
import { $, h, icon } from '/app.js';

const phone = matchMedia('(max-width: 760px)');

export function openPanel(place, { label, back, opener }) {
  const content = h('div', { class: 'panel-content' });
  const element = h('section', { class: 'panel', 'aria-label': label, tabindex: '-1' },
    h('a', { href: back, class: 'button icon panel-close', 'aria-label': 'Close panel', title: 'Close (Esc)' }, icon('close')), content);
  const behind = [...place.parentElement.children].filter((node) => node !== place);
  place.replaceChildren(element);
  // On a phone the panel covers the list; what is covered must not be reachable either.
  const cover = () => {
    for (const node of behind) node.inert = phone.matches;
    for (const node of [$('#top'), $('#bar')]) node.inert = phone.matches;
  };
  cover();
  phone.addEventListener('change', cover);
  element.focus({ preventScroll: true });

  return {
    element, content,
    close({ keepFocus = false } = {}) {
      phone.removeEventListener('change', cover);
      for (const node of [...behind, $('#top'), $('#bar')]) node.inert = false;
      element.remove();
      if (!keepFocus) (opener() ?? $('#main')).focus({ preventScroll: true });
    },
  };
}

export const panelSkeleton = () => h('div', { class: 'panel-skeleton', 'aria-hidden': 'true' },
  ['short', 'long', 'photo', 'long', 'long', 'short'].map((name) => h('span', { class: `bone ${name}` })));
