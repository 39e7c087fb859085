// form.js: the form field, and errors at their fields. A field's name is its member's path, "lines.0.sku".
import { $, h } from '/app.js';

let count = 0;

/** A labelled field. `control` replaces the input (a textarea, a select). */
export function field({ name, label, hint, optional = false, control, unlabelled = false, ...attributes }) {
  const id = `field-${++count}`;
  control ??= h('input', { autocomplete: 'off', ...attributes });
  control.id = id;
  control.name = name;
  control.setAttribute('aria-describedby', hint ? `${id}-hint ${id}-error` : `${id}-error`);
  return h('div', { class: 'field', 'data-name': name },
    h('label', { for: id, class: unlabelled ? 'unseen' : null }, label, optional && h('span', { class: 'quiet' }, ' (optional)')),
    hint && h('p', { class: 'hint', id: `${id}-hint` }, hint),
    control,
    h('p', { class: 'error-text', id: `${id}-error` }));
}

const toName = (pointer) => pointer.replace(/^\//, '').replaceAll('/', '.');

/** Shows a problem's errors at their fields, the rest above the form, and goes to the first. */
export function showErrors(form, problem) {
  clearErrors(form);
  const homeless = [];
  for (const { pointer = '', detail } of problem.errors ?? []) {
    let name = toName(pointer);
    let place = null;
    // An error deeper than any field (/lines/0) belongs to the nearest one around it.
    while (!(place = $(`[data-name="${CSS.escape(name)}"]`, form)) && name.includes('.')) name = name.slice(0, name.lastIndexOf('.'));
    if (!place) {
      homeless.push(pointer ? `${toName(pointer)}: ${detail}` : detail);
      continue;
    }
    const text = $('.error-text', place);
    if (!text.textContent) text.textContent = detail;
    $('input, textarea, select, button', place)?.setAttribute('aria-invalid', 'true');
  }
  if (homeless.length || !problem.errors?.length) {
    $('.form-problem', form).replaceChildren(h('p', {}, h('strong', {}, problem.title ?? 'This cannot be saved yet.')),
      ...(homeless.length ? homeless : [problem.message ?? '']).map((text) => h('p', {}, text)),
      problem.trace_id ? h('p', { class: 'quiet' }, `Trace id ${problem.trace_id}`) : '');
    $('.form-problem', form).hidden = false;
  }
  ($('[aria-invalid]', form) ?? $('.form-problem:not([hidden])', form))?.focus();
}

export function clearErrors(form) {
  for (const node of form.querySelectorAll('[aria-invalid]')) node.removeAttribute('aria-invalid');
  for (const node of form.querySelectorAll('.error-text')) node.textContent = '';
  const problem = $('.form-problem', form);
  problem.replaceChildren();
  problem.hidden = true;
}

export const formProblem = () => h('div', { class: 'form-problem', role: 'alert', tabindex: '-1', hidden: true });

/** Runs one submit at a time and says so on its button. */
export async function busy(button, text, work) {
  if (button.getAttribute('aria-disabled')) return;
  const before = button.textContent;
  button.setAttribute('aria-disabled', 'true');
  button.textContent = text;
  try {
    await work();
  } finally {
    button.removeAttribute('aria-disabled');
    button.textContent = before;
  }
}

/** What was typed, kept for this tab until it is saved or thrown away. */
export const draft = {
  read: (key) => JSON.parse(sessionStorage.getItem(`ordermill.draft.${key}`) ?? 'null'),
  write: (key, value) => sessionStorage.setItem(`ordermill.draft.${key}`, JSON.stringify(value)),
  drop: (key) => sessionStorage.removeItem(`ordermill.draft.${key}`),
};
