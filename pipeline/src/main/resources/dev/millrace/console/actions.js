// Sends the forms of the console to the HTTP API as JSON and shows its answer, and decides when a
// page gets new values.
// A form: data-action is the address ({id} is the field id), data-fixed are fixed fields of the
// body, data-then is the page of the operation that begins, data-list is the field that is a list of one, data-method is the method if it is not POST,
// a select with data-field names the field that is sent in place of a number, and data-times its
// factor, data-phased requires the phase that the page shows, data-verb must be the page's, and
// data-typed is what must be typed.
'use strict';

const live = () => document.getElementById('live');

document.addEventListener('submit', event => {
  if (event.target.dataset.action) {
    event.preventDefault();
    send(event.target);
  }
});

async function send(form) {
  const typed = form.querySelector('[data-typed]');
  if (form.dataset.sending) {
    return;
  }
  if (typed && typed.value !== typed.dataset.typed) {
    answer('Nothing was changed: type ' + typed.dataset.typed + ' to confirm.', 'bad');
    typed.focus();
    return;
  }
  if (form.dataset.verb && form.dataset.verb !== live().dataset.verb) {
    answer('Nothing was changed: the phase has changed. Reload the page.', 'bad');
    return;
  }
  const json = JSON.stringify(body(form));
  // A request that is sent again after a lost answer must not begin a second operation.
  if (form.dataset.asked !== json) {
    form.dataset.asked = json;
    form.dataset.key = newKey();
  }
  form.dataset.sending = 'yes';
  try {
    const response = await fetch(address(form), {
      method: form.dataset.method || 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': form.dataset.key,
        'X-CSRF-TOKEN': document.body.dataset.csrf,
      },
      body: json,
    });
    const text = await response.text();
    const said = text ? JSON.parse(text) : {};
    delete form.dataset.asked;
    if (response.ok && form.dataset.then && said.operation?.id) {
      location.assign(form.dataset.then + said.operation.id);
    } else if (response.ok) {
      answer(said.approval && !said.operation
          ? 'Nothing has begun yet: another approver must approve it.'
          : said.operation?.outcome || 'The service has accepted the request.', 'good');
      form.reset();
    } else {
      answer((said.title || 'Refused') + ': ' + (said.detail || response.status), 'bad');
    }
  } catch (failure) {
    answer('It is not known whether the service got the request: ' + failure.message
        + '. Check the status before you send it again.', 'bad');
  } finally {
    delete form.dataset.sending;
    // A focused button would stop the updates of its page.
    if (live()?.contains(form)) {
      document.activeElement.blur();
    }
  }
}

// crypto.randomUUID exists only in pages of TLS or of this machine.
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), each => each.toString(16)).join('-');
}

function address(form) {
  const id = form.elements.namedItem('id');
  return form.dataset.action.replace('{id}', id ? encodeURIComponent(id.value) : '');
}

function body(form) {
  const body = JSON.parse(form.dataset.fixed || '{}');
  if ('phased' in form.dataset) {
    body.expectedPhase = live().dataset.phase;
  }
  for (const field of form.querySelectorAll('input[name]')) {
    if (field.name !== 'id' && field.value !== '') {
      const unit = form.querySelector(`select[data-field=${field.name}]`)?.selectedOptions[0];
      body[unit?.value || field.name] = field.type === 'number'
          ? Number(field.value) * (unit?.dataset.times || 1)
          : field.name === form.dataset.list ? [field.value] : field.value;
    }
  }
  return body;
}

function answer(text, severity) {
  const place = document.getElementById('answer');
  place.className = severity + ' notice';
  place.textContent = text;
}

const updates = document.getElementById('updates');
updates.hidden = !live();
updates.addEventListener('click', () => {
  const paused = updates.getAttribute('aria-pressed') !== 'true';
  updates.setAttribute('aria-pressed', paused);
});

// What a person reads, selects or has focused must not be replaced.
function isKept() {
  const selected = document.getSelection();
  return live() && (live().contains(document.activeElement)
      || !selected.isCollapsed && live().contains(selected.anchorNode))
      || updates.getAttribute('aria-pressed') === 'true';
}

// The service sends new values as events; htmx requests them while no events come.
const SILENT = 5000;
const AGAIN = 30000;
let stream;
let opened = 0;
let heard = 0;
let waiting;

function listen() {
  const address = live()?.dataset.stream;
  if (document.hidden || !address) {
    // A browser allows few connections to a service, all windows together.
    stream?.close();
    stream = undefined;
    opened = 0;
  } else if ((!stream || stream.readyState === EventSource.CLOSED)
      && Date.now() - opened > AGAIN) {
    opened = Date.now();
    stream = new EventSource(address);
    stream.addEventListener('live', event => {
      waiting = event.data;
      arrived();
    });
    stream.addEventListener('same', arrived);
  }
}

function arrived() {
  heard = Date.now();
  if (waiting && live()?.dataset.stream && !isKept()) {
    htmx.swap(live(), waiting, {swapStyle: 'outerHTML'});
    waiting = undefined;
  }
  if (!waiting) {
    current();
  }
}

document.addEventListener('visibilitychange', listen);

document.addEventListener('htmx:beforeRequest', event => {
  const isSent = live()?.dataset.stream && Date.now() - heard < SILENT;
  if (document.hidden || isSent || isKept()) {
    event.preventDefault();
  }
});

let shown = new Date();

const phase = live()?.dataset.phase;

function current() {
  const now = live()?.dataset.phase;
  if (phase === 'STARTING' && now !== phase) {
    location.reload();
  }
  shown = new Date();
  document.getElementById('stale').hidden = true;
  document.getElementById('moved').hidden = now === phase;
}

function stale() {
  const place = document.getElementById('stale');
  place.textContent = 'The service does not answer. The values are from '
      + shown.toLocaleTimeString() + '.';
  place.hidden = false;
}

document.addEventListener('htmx:afterSwap', () => {
  current();
  listen();
});
for (const failure of ['htmx:sendError', 'htmx:responseError', 'htmx:timeout']) {
  document.addEventListener(failure, stale);
}
listen();
