package dev.millrace.demo;

import dev.millrace.cli.text.Verdict;
import dev.millrace.demo.Route.Side;
import java.io.IOException;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/// What the demonstration shows once traffic and service run: backfill, a comparison under traffic,
/// and then the switchover, traffic on the new side, the rollback and another comparison, or how to
/// try them. Not thread-safe.
final class DemoScript {

    private static final Duration POLL_INTERVAL = Duration.ofSeconds(1);
    private static final Duration TIMEOUT = Duration.ofMinutes(15);

    private final ServiceHttp http;
    private final URI address;
    private final Traffic traffic;
    private final Consumer<String> out;
    private final Predicate<Duration> await;
    private final Duration timeOnEachSide;

    /// @param await waits for at most this time, and says whether the demo was asked to stop
    /// @param timeOnEachSide time of traffic after each move
    DemoScript(
            ServiceHttp http,
            URI address,
            Traffic traffic,
            Consumer<String> out,
            Predicate<Duration> await,
            Duration timeOnEachSide) {
        this.http = http;
        this.address = address;
        this.traffic = traffic;
        this.out = out;
        this.await = await;
        this.timeOnEachSide = timeOnEachSide;
    }

    /// Why the script ends before its end.
    private static final class Ended extends Exception {
        private static final long serialVersionUID = 1L;

        private final int exitCode;

        Ended(int exitCode, String reason) {
            super(reason);
            this.exitCode = exitCode;
        }

        static Ended interrupted() {
            return new Ended(Demo.INTERRUPTED, "");
        }
    }

    /// @param toTheEnd whether to move the writes there and back; otherwise it stays up
    /// @return the exit code of the demo
    int play(boolean toTheEnd) {
        try {
            awaitInSync();
            Verdict verdict = compare();
            if (!toTheEnd) {
                stayUp();
                say(trafficLine());
                return verdict.exitCode();
            }
            if (verdict == Verdict.EQUAL) {
                traffic.resetLongestWait();
                move("switchover", Side.TARGET);
                move("rollback", Side.SOURCE);
                awaitInSync();
                verdict = compare();
            }
            return end(verdict);
        } catch (Ended e) {
            if (await.test(Duration.ZERO)) {
                return Demo.INTERRUPTED;
            }
            if (!String.valueOf(e.getMessage()).isEmpty()) {
                say("The demo stops: " + e.getMessage());
            }
            return e.exitCode;
        }
    }

    /// Ends the traffic and looks for each committed transaction.
    private int end(Verdict verdict) throws Ended {
        traffic.close();
        say(trafficLine());
        long failed = traffic.failures().values().stream().mapToLong(Long::longValue).sum();
        long lost;
        try {
            lost = traffic.lost();
        } catch (SQLException e) {
            throw new Ended(Demo.FAILED, "cannot look for the transactions: " + e.getSQLState());
        }
        say(
                String.format(
                        Locale.ROOT,
                        "lost %d, failed %d, longest wait %d ms",
                        lost,
                        failed,
                        traffic.longestWait().toMillis()));
        return verdict == Verdict.EQUAL && lost + failed > 0 ? Demo.FAILED : verdict.exitCode();
    }

    private void stayUp() {
        say(trafficLine());
        say("The console is at " + address + "/. Try in another terminal:");
        for (String command :
                new String[] {"status --watch", "reconcile", "switchover", "rollback"}) {
            say("  ./millrace " + command + " --url " + address);
        }
        say("Traffic follows the switchover and continues until Ctrl-C.");
        boolean _ = await.test(Duration.ofDays(365));
    }

    private void awaitInSync() throws Ended {
        long deadline = deadline();
        String last = "";
        while (System.nanoTime() - deadline < 0) {
            try {
                JsonNode status = http.status();
                String phase = status.path("phase").asString("?");
                String line = DemoReport.progress(status);
                if (!line.equals(last)) {
                    say(line);
                    last = line;
                }
                if (phase.equals("IN_SYNC")) {
                    return;
                }
                if (phase.equals("FAILED")) {
                    throw new Ended(
                            Demo.FAILED, "the migration failed: " + status.path("blockers"));
                }
                if (phase.equals("REVERSIBLE")) {
                    say("The application writes to the target since an earlier run. Rolling back");
                    move("rollback", Side.SOURCE);
                }
            } catch (IOException e) {
                say("Cannot read the status: " + e.getMessage());
            }
            pause(POLL_INTERVAL);
        }
        throw new Ended(Demo.FAILED, "not in sync after " + TIMEOUT.toMinutes() + " minutes");
    }

    private Verdict compare() throws Ended {
        say("In sync. Comparing every row of source and target while traffic continues");
        JsonNode report = awaitReport();
        Verdict verdict = Verdict.of(report.path("verdict").asString(""));
        DemoReport.verdict(report).forEach(this::say);
        say("Verdict: " + verdict.word());
        return verdict;
    }

    private JsonNode awaitReport() throws Ended {
        long deadline = deadline();
        try {
            String id = http.reconcile();
            while (System.nanoTime() - deadline < 0) {
                JsonNode report = http.reconciliation(id);
                if (report.path("finishedAt").isString()) {
                    return report;
                }
                pause(POLL_INTERVAL);
            }
            throw new Ended(Demo.FAILED, "no verdict after " + TIMEOUT.toMinutes() + " minutes");
        } catch (IOException e) {
            throw new Ended(Demo.FAILED, "no verdict available: " + e.getMessage());
        }
    }

    /// Moves the writes, and leaves the traffic there for a while.
    private void move(String kind, Side to) throws Ended {
        say("");
        say(
                "Moving the application's writes to the "
                        + to.name().toLowerCase(Locale.ROOT)
                        + ": "
                        + kind);
        Optional<String> failure;
        try {
            failure = new DemoMove(http, this::say, await).run(kind);
        } catch (IOException e) {
            throw new Ended(Demo.FAILED, "no answer about the " + kind + ": " + e.getMessage());
        }
        if (failure.isPresent()) {
            throw new Ended(Demo.FAILED, failure.get());
        }
        long before = traffic.rowsWritten(to);
        pause(timeOnEachSide);
        say(
                String.format(
                        Locale.ROOT,
                        "The application wrote %,d rows to the %s in %.1f s",
                        traffic.rowsWritten(to) - before,
                        to.name().toLowerCase(Locale.ROOT),
                        timeOnEachSide.toMillis() / 1000.0));
    }

    private String trafficLine() {
        return String.format(
                Locale.ROOT,
                "Traffic so far: %,d transactions, %,d rows written, failures %s",
                traffic.transactions(),
                traffic.rowsWritten(),
                traffic.failures().isEmpty() ? "none" : traffic.failures());
    }

    private static long deadline() {
        return System.nanoTime() + TIMEOUT.toNanos();
    }

    private void pause(Duration time) throws Ended {
        if (await.test(time)) {
            throw Ended.interrupted();
        }
    }

    private void say(String line) {
        out.accept(line);
    }
}
