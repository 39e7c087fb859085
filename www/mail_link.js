// mail_link.js: the pages behind the links in mails. Opening one changes nothing; only its button does.
import { $, api, h, Problem, setTitle } from '/app.js';
import { busy } from '/form.js';

const pages = {
  '/confirm': {
    title: 'Confirm your subscription', text: 'You will be mailed about every deleted order.', button: 'Confirm', id: 'confirm', doing: 'Confirming…',
    send: (token) => api('POST', '/api/subscriptions/confirm', { body: { token } }),
    done: ['You are subscribed', 'You can unsubscribe by the link in any of the mails.'],
  },
  '/unsubscribe': {
    title: 'Unsubscribe', text: 'You will no longer be mailed about deleted orders.', button: 'Unsubscribe', id: 'unsubscribe', doing: 'Unsubscribing…',
    send: (token) => api('POST', '/api/unsubscribe', { body: new URLSearchParams({ token }) }),
    done: ['You are unsubscribed', 'No more mails are sent to you. You may close this page.'],
  },
};

export function show(root, { path, query }) {
  const page = pages[path];
  setTitle(page.title);
  const said = h('div', { role: 'alert' });
  const button = h('button', { type: 'button', class: 'primary', id: page.id, onclick: () => busy(button, page.doing, press) }, page.button);
  const card = h('div', { class: 'card' }, h('h1', {}, page.title),
    query.token ? [h('p', {}, page.text), said, h('div', { class: 'form-end' }, button)]
      : h('p', {}, 'This link is not complete. Open it from the mail again, or copy all of it.'));
  root.append(card);

  async function press() {
    said.replaceChildren();
    try {
      await page.send(query.token);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      said.replaceChildren(h('p', { class: 'error-text' }, problem.status === 422 ? 'This link is wrong or has ended. Subscribe again for a new one.' : problem.message));
      return;
    }
    const [title, text] = page.done;
    card.replaceChildren(h('h1', { tabindex: '-1' }, title), h('p', {}, text));
    $('h1', card).focus();
  }
}
