import { h } from './dom.js';

/** Shows a dialog, and removes it when it is closed. */
export function showDialog(dialog: HTMLDialogElement): Promise<string> {
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}

/**
 * Asks for confirmation.
 * @param yes label of the confirming button
 * @param no label of the other button
 */
export async function confirm(question: string, yes: string, no: string): Promise<boolean> {
  const dialog = h('dialog', { class: 'small', 'aria-labelledby': 'question' });
  dialog.append(
    h('p', { id: 'question' }, question),
    h(
      'div',
      { class: 'actions' },
      h('button', { type: 'button', class: 'danger', onclick: () => dialog.close('yes') }, yes),
      h('button', { type: 'button', autofocus: true, onclick: () => dialog.close('no') }, no),
    ),
  );
  return (await showDialog(dialog)) === 'yes';
}
