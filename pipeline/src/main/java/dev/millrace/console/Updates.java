package dev.millrace.console;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Sends the changing part of a page to the page while it is open, as server-sent events
/// (https://html.spec.whatwg.org/multipage/server-sent-events.html): `live` with the part when it
/// has changed, otherwise `same`. Each stream occupies the thread of its request. A page without a
/// stream requests its part itself. Thread-safe.
final class Updates {

    static final int MOST = 16;

    /// A page then opens another stream, and is checked again for permission.
    private static final Duration LONGEST = Duration.ofMinutes(5);

    private final Semaphore places = new Semaphore(MOST);
    private final CountDownLatch closed = new CountDownLatch(1);
    private final InstantSource clock;

    Updates(InstantSource clock) {
        this.clock = clock;
    }

    /// Sends until the page or the service closes. With too many open pages it sends nothing, with
    /// the status that tells a browser not to try again.
    ///
    /// @throws IOException when the page was closed
    void send(Supplier<String> part, Duration every, HttpServletResponse response)
            throws IOException, InterruptedException {
        if (closed.getCount() == 0 || !places.tryAcquire()) {
            response.setStatus(HttpServletResponse.SC_NO_CONTENT);
            return;
        }
        try {
            response.setContentType("text/event-stream;charset=UTF-8");
            // A proxy must not collect events.
            response.setHeader("X-Accel-Buffering", "no");
            send(part, every, response.getOutputStream());
        } finally {
            places.release();
        }
    }

    private void send(Supplier<String> part, Duration every, OutputStream out)
            throws IOException, InterruptedException {
        Instant end = clock.instant().plus(LONGEST);
        String sent = "";
        do {
            String now = part.get();
            write(out, now.equals(sent) ? "event: same\ndata: 1\n\n" : live(now));
            sent = now;
        } while (!closed.await(every.toMillis(), TimeUnit.MILLISECONDS)
                && clock.instant().isBefore(end));
    }

    private static String live(String part) {
        StringBuilder event = new StringBuilder("event: live\n");
        part.lines().forEach(line -> event.append("data: ").append(line).append('\n'));
        return event.append('\n').toString();
    }

    private static void write(OutputStream out, String event) throws IOException {
        out.write(event.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    void close() {
        closed.countDown();
    }
}
