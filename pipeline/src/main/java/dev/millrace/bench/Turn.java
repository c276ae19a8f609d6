package dev.millrace.bench;

import dev.millrace.bench.contestant.Contestant;
import dev.millrace.bench.contestant.Contestant.Copying;
import dev.millrace.bench.contestant.Contestant.Route;
import dev.millrace.bench.contestant.Deadline;
import dev.millrace.bench.contestant.Narration;
import dev.millrace.bench.report.Report.Load;
import dev.millrace.bench.report.Sample;
import dev.millrace.bench.report.Sample.Figure;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/// One contestant's turn in one run of a measure. Not thread-safe.
///
/// @param rows rows of the source's table when the turn begins; their keys are 1 to this number
/// @param source session on the source's database
/// @param target session on the target's database
record Turn(
        Measure measure,
        Contestant contestant,
        Route route,
        int run,
        long rows,
        Load load,
        Connection source,
        Connection target,
        Narration narration,
        Bench.Inspection inspection) {

    private static final Duration FOLLOW = Duration.ofMinutes(3);
    private static final Duration POLL = Duration.ofMillis(100);

    String name() {
        return contestant.name();
    }

    /// Starts the contestant, and waits until it has copied the rows that exist and follows
    /// changes.
    Copying follow() throws IOException, SQLException {
        Copying copying = contestant.start(route);
        try {
            Progress.await(this, copying, Arrival.ofRows(this), Progress.Begin.READING, rows);
            Deadline deadline = Deadline.in(FOLLOW);
            while (!copying.follows()) {
                deadline.pause(POLL, name() + " to follow changes");
            }
            return copying;
        } catch (IOException | SQLException | RuntimeException e) {
            copying.close();
            throw e;
        }
    }

    /// Compares the target, and completes the turn.
    Sample sample(Map<Figure, Double> figures) throws SQLException {
        inspection.inspect(route);
        return new Sample(
                measure,
                name(),
                run,
                figures,
                Optional.of(ContentCheck.compare(source, target, contestant.form())),
                Optional.empty());
    }
}
