// toast.js: short messages at the edge. #toasts is a live region, so they are read out.
import { $, h, icon } from '/app.js';

const stay = 7000;

/** Shows a message; `content` may be text or nodes. Gives {show(content), end(ms), close()}. */
export function toast(content, { kind = 'plain', sticky = kind === 'error' } = {}) {
  const text = h('div', { class: 'toast-text' });
  const element = h('div', { class: 'toast', 'data-kind': kind }, text,
    h('button', { type: 'button', class: 'icon', 'aria-label': 'Close message', onclick: () => element.remove() }, icon('close')));
  const message = {
    show: (...content) => text.replaceChildren(...content.flat(Infinity).filter(Boolean)),
    close: () => element.remove(),
    end(ms = stay) {
      // Nobody loses a message while reading it or holding one of its links.
      setTimeout(() => (element.matches(':hover, :focus-within') ? message.end(1500) : element.remove()), ms);
    },
  };
  message.show(content);
  $('#toasts').append(element);
  if (!sticky) message.end();
  return message;
}

export const problemToast = (problem, what) =>
  toast([h('strong', {}, what), ' ', problem.message, problem.trace_id && h('span', { class: 'quiet' }, ` Trace id ${problem.trace_id}`)], { kind: 'error' });
