package dev.millrace.bench;

import dev.millrace.bench.contestant.Contestant.Copying;
import dev.millrace.bench.report.Sample;
import java.io.IOException;
import java.sql.SQLException;

/// Measures how fast a contestant applies a backlog of single-row transactions that were committed
/// while it was stopped. Stateless.
final class CatchUp {

    private CatchUp() {}

    static Sample measure(Turn turn) throws IOException, SQLException {
        long changes = turn.load().changes();
        try (Copying copying = turn.follow()) {
            copying.stop();
            turn.narration().say(turn.name() + " is stopped; writing the backlog");
            ChangeWriter.of(turn).writeBacklog(changes);
            Arrival arrival = Arrival.ofChanges(turn, ChangeWriter.FIRST_KEYS);
            turn.route().servers().settle();
            long start = System.nanoTime();
            copying.resume();
            Progress progress =
                    Progress.await(turn, copying, arrival, Progress.Begin.VISIBLE, changes);
            return turn.sample(
                    Sample.rates(
                            changes,
                            progress.seconds(),
                            Progress.seconds(start, progress.done()),
                            progress.usage()));
        }
    }
}
