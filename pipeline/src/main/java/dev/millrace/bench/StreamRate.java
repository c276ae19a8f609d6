package dev.millrace.bench;

import dev.millrace.bench.contestant.BenchServers;
import dev.millrace.bench.contestant.Contestant.Copying;
import dev.millrace.bench.contestant.CpuTime.Usage;
import dev.millrace.bench.report.Sample;
import dev.millrace.bench.report.Sample.Figure;
import java.io.IOException;
import java.sql.SQLException;
import java.util.Map;

/// Measures how fast changes reach the target while they are written as fast as the source accepts
/// them, in transactions of a hundred rows. Stateless.
final class StreamRate {

    static final int PER_TRANSACTION = 100;

    private StreamRate() {}

    static Sample measure(Turn turn) throws IOException, SQLException {
        long changes = turn.load().changes();
        BenchServers servers = turn.route().servers();
        try (Copying copying = turn.follow()) {
            servers.settle();
            Usage before = servers.usage(copying.processes());
            long start = System.nanoTime();
            ChangeWriter.of(turn).write(changes, PER_TRANSACTION);
            long written = System.nanoTime();
            Progress progress =
                    Progress.await(
                            turn,
                            copying,
                            Arrival.ofChanges(turn, ChangeWriter.FIRST_KEYS),
                            Progress.Begin.VISIBLE,
                            changes);
            double seconds = Progress.seconds(start, progress.done());
            Map<Figure, Double> figures =
                    Sample.rates(
                            changes,
                            seconds,
                            seconds,
                            servers.usage(copying.processes()).since(before));
            figures.put(Figure.OFFERED, changes / Progress.seconds(start, written));
            return turn.sample(figures);
        }
    }
}
