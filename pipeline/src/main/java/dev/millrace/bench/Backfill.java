package dev.millrace.bench;

import dev.millrace.bench.contestant.Contestant.Copying;
import dev.millrace.bench.report.Sample;
import dev.millrace.bench.report.Sample.Figure;
import java.io.IOException;
import java.sql.SQLException;
import java.util.Map;

/// Measures how fast a contestant copies the rows that exist. Stateless.
final class Backfill {

    private Backfill() {}

    static Sample measure(Turn turn) throws IOException, SQLException {
        Arrival arrival = Arrival.ofRows(turn);
        long start = System.nanoTime();
        try (Copying copying = turn.contestant().start(turn.route())) {
            Progress progress =
                    Progress.await(turn, copying, arrival, Progress.Begin.READING, turn.rows());
            Map<Figure, Double> figures =
                    Sample.rates(
                            turn.rows(),
                            progress.seconds(),
                            Progress.seconds(start, progress.done()),
                            progress.usage());
            figures.put(Figure.FIRST_ROW, Progress.seconds(start, progress.firstVisible()));
            return turn.sample(figures);
        }
    }
}
