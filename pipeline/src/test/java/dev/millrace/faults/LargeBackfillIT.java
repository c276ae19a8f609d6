package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.Waits;
import java.io.IOException;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/// Pauses a large backfill, resumes it, and kills the service (SIGKILL) when half of the rows are
/// in the log, all under writes. `-Drows=` sets the number of rows.
class LargeBackfillIT {

    private static final Logger LOG = LoggerFactory.getLogger(LargeBackfillIT.class);

    private static final String OPEN_TRANSACTIONS =
            "SELECT pid || ' ' || application_name || ' since ' || xact_start,"
                    + " application_name LIKE '% backfill' FROM pg_stat_activity WHERE datname = ?"
                    + " AND pid <> pg_backend_pid() AND application_name <> 'PostgreSQL JDBC"
                    + " Driver' AND xact_start IS NOT NULL";

    private static final Duration PAUSED_AT_MOST = Duration.ofSeconds(5);

    @Test
    @Tag("faults")
    void aPauseLeavesNoTransactionAndAKillRepeatsAtMostOneRangePerReader() throws Exception {
        long rows = Long.getLong("rows", 10_000_000);
        try (ItemScene scene = new ItemScene(rows)) {
            try (Writer writer = new Writer(scene.source, ItemScene.DATABASE, changes(rows))) {
                pauseAndKill(scene, rows);
                LOG.info("{} statements of the writer", writer.statements());
            }
            // Beside the writer the verdict over so many rows may be undecided.
            requireEqual(scene.service());
        }
    }

    private static void pauseAndKill(ItemScene scene, long rows) throws Exception {
        ServiceProcess service = scene.startService();
        long begin = System.nanoTime();
        awaitRead(service, rows / 4);
        pauseAndResume(scene, service);
        awaitRead(service, rows / 2);
        LOG.info(
                "killed after {} of {} rows, {} s after the start",
                rowsDone(service),
                rows,
                seconds(begin));
        service.kill();
        RangeReads before = readsSoFar(scene);
        long killed = Files.size(scene.sourceLog());
        long restart = System.nanoTime();
        scene.startService().awaitPhase("IN_SYNC", Duration.ofMinutes(30));
        LOG.info("in sync {} s after the restart", seconds(restart));
        RangeReads after = RangeReads.of(scene.sourceLog(), killed, Files.size(scene.sourceLog()));

        RangeReads again = before.ended().readAgainBy(after);
        LOG.info(
                "{} readers read {} ranges before the kill; {} of them were read again among {}"
                        + " reads after it: {}",
                before.sessions(),
                before.ended().ranges().size(),
                again.ranges().size(),
                after.ranges().size(),
                again.ranges());
        assertThat(before.sessions()).isPositive();
        assertThat(after.ranges()).isNotEmpty();
        assertThat((long) again.ranges().size()).isLessThanOrEqualTo(before.sessions());
    }

    /// Rows that change, move to another page, appear and disappear while they are read.
    private static List<String> changes(long rows) {
        String one = "WHERE id = (SELECT 1 + (random() * " + (rows - 1) + ")::int)";
        String update = "UPDATE item SET n = n + 1 " + one;
        String insert = "INSERT INTO item SELECT max(id) + 1 FROM item";
        return List.of(update, insert, update, "DELETE FROM item " + one);
    }

    private static void pauseAndResume(ItemScene scene, ServiceProcess service) throws Exception {
        try (Connection connection = scene.source.connect(ItemScene.DATABASE);
                PreparedStatement query = connection.prepareStatement(OPEN_TRANSACTIONS)) {
            query.setString(1, ItemScene.DATABASE);
            long asked = System.nanoTime();
            service.changeBackfill("pause");
            long confirmed = System.nanoTime();
            Awaitility.await()
                    .atMost(PAUSED_AT_MOST)
                    .pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(1))
                    .until(() -> openTransactions(query, true).isEmpty());
            LOG.info(
                    "paused: confirmed after {} ms, no transaction of a reader {} ms later",
                    (confirmed - asked) / 1_000_000,
                    (System.nanoTime() - confirmed) / 1_000_000);
            // What was read before the pause is still on its way to the log.
            Awaitility.await()
                    .during(Duration.ofSeconds(2))
                    .atMost(Waits.LIMIT)
                    .until(() -> rowsDone(service), new Unchanged()::test);
            long rows = rowsDone(service);
            Set<String> before = new HashSet<>();
            Awaitility.await()
                    .during(Duration.ofSeconds(3))
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(200))
                    .failFast(
                            () -> {
                                assertThat(openTransactions(query, true)).isEmpty();
                                // Probes have transactions of milliseconds.
                                Set<String> now = openTransactions(query, false);
                                before.retainAll(now);
                                assertThat(before).as("transactions that remain open").isEmpty();
                                before.addAll(now);
                            })
                    .until(() -> rowsDone(service) == rows);
            assertThat(service.phase()).isEqualTo("BACKFILLING");
            LOG.info("paused at {} rows", rows);
        }
        service.changeBackfill("resume");
    }

    private static final class Unchanged {
        private long last = -1;

        boolean test(long value) {
            boolean same = value == last;
            last = value;
            return same;
        }
    }

    /// @param readers only those of the backfill's readers
    private static Set<String> openTransactions(PreparedStatement query, boolean readers)
            throws SQLException {
        Set<String> found = new HashSet<>();
        try (ResultSet rows = query.executeQuery()) {
            while (rows.next()) {
                if (!readers || rows.getBoolean(2)) {
                    found.add(rows.getString(1));
                }
            }
        }
        return found;
    }

    /// Waits until the server has noticed the end of every session of a reader.
    private static RangeReads readsSoFar(ItemScene scene) throws IOException {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                ItemScene.number(
                                                scene.source,
                                                "SELECT count(*) FROM pg_stat_activity WHERE"
                                                        + " application_name LIKE '% backfill'")
                                        == 0);
        return RangeReads.of(scene.sourceLog(), 0, Files.size(scene.sourceLog()));
    }

    /// Requires equal tables, and a log that contains no change twice, and no row that was read
    /// twice without a change.
    private static void requireEqual(ServiceProcess service) throws IOException {
        long begin = System.nanoTime();
        JsonNode report = service.reconcile();
        LOG.info("verdict {} after {} s", report.path("verdict"), seconds(begin));
        assertThat(report.path("verdict").stringValue(""))
                .as(report.toPrettyString())
                .isEqualTo("equal");
        BitSet read = new BitSet();
        BitSet twice = new BitSet();
        BitSet changed = new BitSet();
        Set<String> changes = new HashSet<>();
        Set<String> changesTwice = new HashSet<>();
        try (Stream<JsonNode> log = service.changes()) {
            log.filter(change -> change.hasNonNull("key"))
                    .forEach(
                            change -> {
                                int id = Integer.parseInt(change.at("/key/id").stringValue(""));
                                String kind = change.path("kind").stringValue("");
                                if (kind.equals("read")) {
                                    twice.set(id, twice.get(id) || read.get(id));
                                    read.set(id);
                                    return;
                                }
                                changed.set(id);
                                String name = kind + id + change.path("lsn") + change.path("xid");
                                if (!changes.add(name)) {
                                    changesTwice.add(name);
                                }
                            });
        }
        LOG.info(
                "the log contains {} rows that were read, {} of them twice, and {} changes",
                read.cardinality(),
                twice.cardinality(),
                changes.size());
        assertThat(read.cardinality()).isPositive();
        assertThat(changesTwice).as("changes that are in the log twice").isEmpty();
        twice.andNot(changed);
        assertThat(twice.stream()).as("rows that were read twice and never changed").isEmpty();
    }

    private static void awaitRead(ServiceProcess service, long rows) {
        Awaitility.await()
                .atMost(Duration.ofMinutes(30))
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () -> {
                            service.requireAlive();
                            return rowsDone(service) >= rows;
                        });
    }

    private static long rowsDone(ServiceProcess service) {
        return service.status()
                .map(status -> status.at("/tables/0/backfill/rowsDone").longValue(0))
                .orElse(0L);
    }

    private static long seconds(long since) {
        return (System.nanoTime() - since) / 1_000_000_000;
    }
}
