// keys.js: the list of keys, and the switch that turns them off (WCAG 2.1.4).
import { h } from '/app.js';
import { openDialog } from '/dialog.js';

const keys = [
  ['/', 'Search orders'], ['n', 'New order'], ['j', 'Next row'], ['k', 'Previous row'], ['Enter', 'Open the order'],
  ['e', 'Edit the order'], ['x', 'Select the order'], ['Esc', 'Close what is open'], ['?', 'This list'],
];

export function showKeys() {
  const off = localStorage.getItem('ordermill.keys') === 'off';
  openDialog({ title: 'Keys', actions: [{ text: 'Close', value: '', kind: 'primary' }], content: [
    h('dl', { class: 'keys' }, keys.map(([key, text]) => h('div', {}, h('dt', {}, h('kbd', {}, key)), h('dd', {}, text)))),
    h('label', { class: 'tick' }, h('input', { type: 'checkbox', id: 'keys-on', checked: !off,
      onchange: (event) => localStorage.setItem('ordermill.keys', event.target.checked ? 'on' : 'off') }), 'Use these keys'),
  ] });
}
