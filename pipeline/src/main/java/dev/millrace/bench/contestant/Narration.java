package dev.millrace.bench.contestant;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;

/// Prints the progress of a benchmark, each line with the time since its start. Not thread-safe.
public final class Narration {

    private static final long INTERVAL_NANOS = Duration.ofSeconds(5).toNanos();

    private final PrintWriter out;
    private final long begun = System.nanoTime();
    private long last = begun;

    public Narration(PrintWriter out) {
        this.out = out;
    }

    public void say(String text) {
        long now = System.nanoTime();
        long seconds = (now - begun) / 1_000_000_000;
        out.println(String.format(Locale.ROOT, "[%3d:%02d] %s", seconds / 60, seconds % 60, text));
        out.flush();
        last = now;
    }

    /// Prints how far a long step is, at most every few seconds.
    public void progress(String step, double share) {
        if (System.nanoTime() - last > INTERVAL_NANOS) {
            say(String.format(Locale.ROOT, "%s: %.0f %%", step, share * 100));
        }
    }
}
