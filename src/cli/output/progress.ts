import { quoteOutside } from '../../keyset/basics/outside-text.js';
import type { Progress } from '../../rollout/context.js';
import { namesOf } from '../../rollout/describe.js';
import type { Level } from './journal.js';
import { actionText } from './words.js';

/** `gateway`, or `gateway/a` for one of several instances. */
export function instanceName(service: string, instance: string): string {
  return service === instance ? service : `${service}/${quoteOutside(instance).slice(1, -1)}`;
}

/** One line per event if nobody watches; null: the event is not worth a line. */
export function progressLine(event: Progress): { text: string; level: Level } | null {
  switch (event.type) {
    case 'action':
      return { text: `${event.keyset}: ${actionText(event.action)}`, level: 'info' };
    case 'done':
      return event.detail === null ? null : { text: `${event.keyset}:   ${event.detail}`, level: 'info' };
    case 'asked':
    case 'blocked':
      return null; // a result
    case 'note':
      return { text: `${event.keyset}: ${event.text}`, level: event.level };
    case 'wave':
      return { text: `${event.keyset}:   ${waveText(event)} (${namesOf(event.instances)})`, level: 'info' };
    case 'instance': {
      if (event.state === 'awaited' || event.state === 'waiting') return null;
      const reason = event.state === 'unconfirmed' && event.reason !== null ? `: ${event.reason}` : '';
      const level = event.state === 'unconfirmed' ? 'warning' : 'info';
      return {
        text: `${event.keyset}:   ${instanceName(event.service, event.instance)} ${event.state}${reason}`,
        level,
      };
    }
  }
}

type Wave = Extract<Progress, { type: 'wave' }>;

/** `gateway: wave 2 of 3`. */
export function waveText({ service, number, of }: Wave): string {
  return `${service === null ? '' : `${service}: `}wave ${number} of ${of}`;
}
