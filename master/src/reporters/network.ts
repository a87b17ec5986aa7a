import { sendPost } from './http-post.ts';
import type { Transport } from './transport.ts';

/** The network. The mail client is loaded when there is a mail. */
export const network: Transport = {
  async deliver(letter, signal) {
    if (letter.via === 'http') return await sendPost(letter, signal);
    const { sendMail } = await import('./smtp.ts');
    return await sendMail(letter, signal);
  },
};
