package dev.millrace.bench;

import dev.millrace.bench.contestant.BenchServers;
import dev.millrace.bench.contestant.Contestant;
import dev.millrace.bench.contestant.Contestant.ContestantFailed;
import dev.millrace.bench.contestant.Contestant.Route;
import dev.millrace.bench.contestant.Contestant.Size;
import dev.millrace.bench.contestant.Narration;
import dev.millrace.bench.contestant.OrdersTable;
import dev.millrace.bench.report.Report.Load;
import dev.millrace.bench.report.Sample;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import dev.millrace.sandbox.Folders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Prepares a contestant's turn, lets it play, and removes what it left: each turn has an empty
/// target, settled servers and a source without slots. Not thread-safe.
final class Stage {

    private static final String SOURCE = "bench";

    private final BenchServers servers;
    private final Path work;
    private final Path out;
    private final Load load;
    private final Narration narration;
    private final Bench.Inspection inspection;
    private int number;

    Stage(
            BenchServers servers,
            Path work,
            Path out,
            Load load,
            Narration narration,
            Bench.Inspection inspection) {
        this.servers = servers;
        this.work = work;
        this.out = out;
        this.load = load;
        this.narration = narration;
        this.inspection = inspection;
    }

    void createSource(long rows, int tables) throws SQLException {
        OrdersTable.create(servers.source(), SOURCE, rows, tables);
    }

    void dropSource() throws SQLException {
        BenchServers.dropDatabase(servers.source(), SOURCE);
    }

    /// @param rows rows that the source has
    Sample play(Measure measure, Contestant contestant, int run, long rows, Size size)
            throws IOException, SQLException {
        number++;
        Path folder = Files.createDirectories(work.resolve("run" + number));
        Route route = new Route(servers, SOURCE, "target" + number, size, number, folder);
        BenchServers.createDatabase(servers.target(), route.targetDatabase());
        BenchServers.execute(
                servers.target(),
                route.targetDatabase(),
                contestant.form().createTables(size.tables()));
        servers.settle();
        try (Connection source = servers.source().connect(SOURCE);
                Connection target = servers.target().connect(route.targetDatabase())) {
            return measure(
                    new Turn(
                            measure,
                            contestant,
                            route,
                            run,
                            rows,
                            load,
                            source,
                            target,
                            narration,
                            inspection));
        } catch (ContestantFailed e) {
            keepLogs(folder);
            return new Sample(
                    measure,
                    contestant.name(),
                    run,
                    Map.of(),
                    Optional.empty(),
                    Optional.of(String.valueOf(e.getMessage())));
        } finally {
            servers.removeReplication(SOURCE);
            servers.removeTarget(route.targetDatabase());
            Folders.delete(folder);
        }
    }

    private static Sample measure(Turn turn) throws IOException, SQLException {
        return switch (turn.measure()) {
            case BACKFILL -> Backfill.measure(turn);
            case STREAM -> StreamRate.measure(turn);
            case LATENCY -> Latency.measure(turn);
            case CATCHUP -> CatchUp.measure(turn);
            case RECONCILE -> Reconciling.measure(turn);
        };
    }

    private void keepLogs(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path log : files.filter(file -> file.toString().endsWith(".log")).toList()) {
                Files.copy(
                        log,
                        out.resolve(folder.getFileName() + "-" + log.getFileName()),
                        StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }
}
