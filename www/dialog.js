// dialog.js: the browser's own modal dialog: it holds the focus, Escape closes it, the opener gets the focus back.
import { h, icon } from '/app.js';

let count = 0;

/** Opens a dialog; gives a promise of the value a button closed it with ('' for Escape). */
export function openDialog({ title, content, actions, wide = false, onclose }) {
  const heading = `dialog-${++count}`;
  const opener = document.activeElement;
  const element = h('dialog', { 'aria-labelledby': heading, class: wide ? 'wide' : null },
    h('form', { method: 'dialog' },
      h('div', { class: 'dialog-head' }, h('h2', { id: heading }, title),
        h('button', { class: 'icon', value: '', 'aria-label': 'Close', formnovalidate: true }, icon('close'))),
      h('div', { class: 'dialog-body' }, content),
      h('div', { class: 'dialog-actions' }, actions.map(({ text, value, kind, id }) => h('button', { value, class: kind, id, autofocus: kind === 'primary' || kind === 'danger' }, text)))));
  document.body.append(element);
  const closed = new Promise((resolve) => {
    element.addEventListener('close', () => {
      element.remove();
      if (opener.isConnected) opener.focus();
      onclose?.();
      resolve(element.returnValue);
    });
  });
  element.showModal();
  return { element, closed };
}

/** A question with one way to go on and one way back. */
export async function ask({ title, content, yes, kind = 'primary', no = 'Keep it' }) {
  const { closed } = openDialog({ title, content, actions: [{ text: no, value: '' }, { text: yes, value: 'yes', kind, id: 'dialog-yes' }] });
  return await closed === 'yes';
}
