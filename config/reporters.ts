import { mailReporter, type ReporterDeclaration } from '@icefall/master/config';
import { settings } from './settings.ts';

/** Who is told by mail of what fails and of what works again, by `mail` of the settings: nobody, unless that is set. */
export const reporters: readonly ReporterDeclaration[] =
  settings.mail === null
    ? []
    : [
        mailReporter({
          name: 'mail',
          server: settings.mail.server,
          from: settings.mail.from,
          to: settings.mail.authorDomains.length === 0 ? settings.mail.to : [...settings.mail.to, 'authors'],
          authors: { domains: settings.mail.authorDomains },
        }),
      ];
