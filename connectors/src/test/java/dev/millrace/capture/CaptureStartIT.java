package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.StartPlan;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Lsn;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.testing.BrokerProcess;
import dev.millrace.testing.LostRecords;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// A start continues exactly where the log ends, or is rejected.
class CaptureStartIT {

    private static final SourcePosition POSITION =
            new SourcePosition(
                    3,
                    true,
                    Lsn.parse("0/2000"),
                    7,
                    2,
                    5,
                    0,
                    Map.of(),
                    "",
                    SourcePosition.Logged.nothing(List.of()));

    @Test
    void snapshotIsExportedBySlot() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.source.execute(
                    "CREATE FUNCTION probed(timetz) RETURNS text LANGUAGE sql VOLATILE AS"
                            + " $$ SELECT current_setting('transaction_isolation') || ' ' || pg_current_snapshot()::text $$",
                    "CREATE CAST (timetz AS text) WITH FUNCTION probed(timetz)");
            scene.table("item", List.of("id int", "seen timetz"), "id", false);
            scene.source.execute(
                    "INSERT INTO item SELECT g, '12:00+00' FROM generate_series(1, 50) g");
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);

            assertThat(scene.log())
                    .filteredOn(ChangeEvent.Read.class::isInstance)
                    .extracting(event -> ((ChangeEvent.Read) event).row().text(1))
                    .hasSize(50)
                    .allMatch(text -> String.valueOf(text).startsWith("repeatable read "))
                    .containsOnly(
                            ((ChangeEvent.Read)
                                            scene.log().stream()
                                                    .filter(ChangeEvent.Read.class::isInstance)
                                                    .findFirst()
                                                    .orElseThrow())
                                    .row()
                                    .text(1));
        }
    }

    @Test
    void replacesExistingSlotBeforeSnapshot() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            scene.source.query(
                    "SELECT pg_create_logical_replication_slot('"
                            + CaptureSettings.slot(scene.migration)
                            + "', 'pgoutput')");
            scene.source.execute("INSERT INTO item VALUES (1, 'between')");
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);

            assertThat(scene.log()).filteredOn(ChangeEvent.OfRow.class::isInstance).hasSize(1);
        }
    }

    /// The server may need a moment to see that the reader has gone.
    private static void awaitReleased(CaptureScene scene) {
        String slot = CaptureSettings.slot(scene.migration);
        await().atMost(Waits.LIMIT)
                .until(
                        () ->
                                "f"
                                        .equals(
                                                scene.source.value(
                                                        "SELECT active FROM pg_replication_slots"
                                                                + " WHERE slot_name = '"
                                                                + slot
                                                                + "'")));
    }

    @Test
    void rejectsAdvancedSlot() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            SourceCapture first = scene.start(1);
            SourceCaptureIT.streaming(scene, first);
            first.close();
            scene.source.execute("INSERT INTO item VALUES (1, 'unread')");
            awaitReleased(scene);
            scene.source.query(
                    "SELECT pg_replication_slot_advance('"
                            + CaptureSettings.slot(scene.migration)
                            + "', pg_current_wal_lsn())");

            SourceCapture second = scene.start(1);

            awaitLost(second, "was advanced to");
        }
    }

    @Test
    void rejectsDroppedSlot() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            SourceCapture first = scene.start(1);
            SourceCaptureIT.streaming(scene, first);
            first.close();
            awaitReleased(scene);
            scene.source.query(
                    "SELECT pg_drop_replication_slot('"
                            + CaptureSettings.slot(scene.migration)
                            + "')");

            awaitLost(scene.start(1), "no longer exists on the source");
        }
    }

    @Test
    void rejectsPhysicalSlot() {
        ReplicationSlot slot =
                new ReplicationSlot(
                        "millrace_x",
                        Optional.empty(),
                        Optional.empty(),
                        OptionalInt.empty(),
                        Optional.empty(),
                        Optional.of("reserved"),
                        OptionalLong.empty(),
                        Optional.empty());

        assertThat(StartPlan.of(3, Optional.of(POSITION), Optional.of(slot), "millrace_x", "shop"))
                .isEqualTo(new StartPlan.Lost("Replication slot millrace_x is a physical slot."));
    }

    @Test
    void detectsPositionTopicRecreatedWhileRunning() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            scene.source.execute("INSERT INTO item VALUES (1, 'read')");
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            scene.awaitWatermark(capture);
            scene.recreatePositionTopic();
            scene.source.query(
                    "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"
                            + CaptureSettings.slot(scene.migration)
                            + "'");

            awaitLost(capture, "the topic was emptied or recreated");

            assertThat(scene.log()).filteredOn(ChangeEvent.Read.class::isInstance).hasSize(1);
        }
    }

    @Test
    void detectsPositionTopicThatLostItsRecords() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            scene.source.execute("INSERT INTO item VALUES (1, 'read')");
            SourceCapture first = scene.start(1);
            SourceCaptureIT.streaming(scene, first);
            first.close();
            LostRecords.of(scene.kafka, scene.topics.position());

            awaitLost(scene.start(1), "but the changes topic does: the broker lost the positions");

            assertThat(scene.log()).filteredOn(ChangeEvent.Read.class::isInstance).hasSize(1);
        }
    }

    @Test
    void frozenCaptureCannotWriteAfterSuccessorStarted() throws Exception {
        try (BrokerProcess broker = new BrokerProcess();
                CaptureScene scene =
                        new CaptureScene(
                                        PostgresServer.shared().newDatabase(),
                                        broker.bootstrapServers())
                                .table("item", List.of("id int", "name text"), "id", false);
                CaptureChild frozen = CaptureChild.start(scene, 0, 20)) {
            frozen.awaitStreaming(scene);
            scene.source.execute("INSERT INTO item SELECT g, 'n' FROM generate_series(1, 20000) g");
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> inserts(scene) > 200);
            frozen.signal("STOP");
            long before = inserts(scene);
            assertThat(before).as("frozen before the end").isLessThan(20_000);

            try (CaptureChild successor = CaptureChild.start(scene, 0, 2_000)) {
                scene.source.execute("UPDATE item SET name = 'newer' WHERE id = 1");
                awaitInLog(scene, scene.emit(1));
                frozen.signal("CONT");
                Awaitility.await().atMost(Waits.LIMIT).until(() -> !frozen.isAlive());
                awaitInLog(scene, scene.emit(1));
                assertThat(successor.isAlive()).isTrue();
            }

            assertThat(inserts(scene)).isEqualTo(20_000);
            assertThat(scene.log()).filteredOn(ChangeEvent.Update.class::isInstance).hasSize(1);
        }
    }

    @Test
    @Tag("faults")
    void closesWhileBrokerIsDown() throws Exception {
        try (BrokerProcess broker = new BrokerProcess();
                CaptureScene scene =
                        new CaptureScene(
                                        PostgresServer.shared().newDatabase(),
                                        broker.bootstrapServers())
                                .table("item", List.of("id int", "name text"), "id", false)) {
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            broker.kill();
            scene.source.execute("INSERT INTO item VALUES (1, 'in progress')");
            Awaitility.await().atMost(Waits.LIMIT).until(CaptureStartIT::batchIsInProgress);

            capture.close();

            assertThat(capture.state()).isInstanceOf(ComponentState.Stopped.class);
        }
    }

    private static boolean batchIsInProgress() {
        return Thread.getAllStackTraces().values().stream()
                .flatMap(Stream::of)
                .anyMatch(frame -> frame.getClassName().equals(ChangeLogWriter.class.getName()));
    }

    private static void awaitInLog(CaptureScene scene, WatermarkNumber number) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                scene.log().stream()
                                        .anyMatch(
                                                event ->
                                                        event instanceof ChangeEvent.Watermark mark
                                                                && mark.watermark()
                                                                        .equals(number)));
    }

    @Test
    void numbersTruncatesOfOneStatementSeparately() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("one", List.of("id int", "name text"), "id", false)
                    .table("two", List.of("id int", "name text"), "id", false);
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            scene.source.execute("TRUNCATE one, two");
            scene.awaitWatermark(capture);

            assertThat(scene.log())
                    .filteredOn(ChangeEvent.Truncate.class::isInstance)
                    .as("one record for each table in each partition")
                    .hasSize(2 * CaptureScene.PARTITIONS)
                    .extracting(event -> ((ChangeEvent.Truncate) event).id())
                    .containsOnly(1L, 2L);
        }
    }

    @Test
    void watermarkFollowsEveryEarlierCommitDespiteOpenTransaction() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            try (Connection open = scene.source.connect()) {
                open.setAutoCommit(false);
                open.createStatement().execute("INSERT INTO item VALUES (1, 'open')");
                scene.source.execute("INSERT INTO item VALUES (2, 'committed')");
                scene.awaitWatermark(capture);
                assertThat(inserts(scene)).isEqualTo(1);
                long watermark = scene.emit(capture).number();
                open.commit();
                scene.awaitWatermark(capture);

                List<ChangeEvent> log = scene.log();
                assertThat(inserts(scene)).isEqualTo(2);
                for (int i = 0; i < log.size(); i++) {
                    if (log.get(i) instanceof ChangeEvent.Insert insert
                            && "1".equals(insert.row().text(0))) {
                        assertThat(log.subList(0, i))
                                .anyMatch(
                                        event ->
                                                event instanceof ChangeEvent.Watermark passed
                                                        && passed.watermark().number()
                                                                == watermark);
                    }
                }
            }
        }
    }

    @Test
    void slotAdvancesWithLog() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            scene.source.execute("INSERT INTO item SELECT g, 'n' FROM generate_series(1, 1000) g");
            Lsn written =
                    Lsn.parse(String.valueOf(scene.source.value("SELECT pg_current_wal_lsn()")));

            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(300))
                    .until(
                            () -> {
                                scene.emit(capture);
                                return confirmed(scene).compareTo(written) >= 0;
                            });
        }
    }

    private static Lsn confirmed(CaptureScene scene) throws Exception {
        try (Connection connection = scene.login().connect()) {
            return ReplicationSlot.find(connection, CaptureSettings.slot(scene.migration))
                    .orElseThrow()
                    .confirmedFlush()
                    .orElseThrow();
        }
    }

    @Test
    void watermarkArrivesOnIdleDatabase() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);

            scene.awaitWatermark(capture);

            assertThat(scene.log())
                    .filteredOn(event -> !(event instanceof ChangeEvent.BackfillComplete))
                    .isNotEmpty()
                    .allMatch(ChangeEvent.Watermark.class::isInstance);
        }
    }

    @Test
    void decidesStartFromLogAndSlot() {
        ReplicationSlot slot =
                new ReplicationSlot(
                        "millrace_x",
                        Optional.of("pgoutput"),
                        Optional.of("shop"),
                        OptionalInt.empty(),
                        Optional.of(Lsn.parse("0/2000")),
                        Optional.of("reserved"),
                        OptionalLong.empty(),
                        Optional.empty());

        assertThat(StartPlan.of(3, Optional.empty(), Optional.of(slot), "millrace_x", "shop"))
                .isInstanceOf(StartPlan.Fresh.class);
        assertThat(StartPlan.of(4, Optional.of(POSITION), Optional.of(slot), "millrace_x", "shop"))
                .isInstanceOf(StartPlan.Fresh.class);
        assertThat(StartPlan.of(3, Optional.of(POSITION), Optional.of(slot), "millrace_x", "shop"))
                .isEqualTo(new StartPlan.Resume(POSITION));
        assertThat(StartPlan.of(2, Optional.of(POSITION), Optional.of(slot), "millrace_x", "shop"))
                .isInstanceOf(StartPlan.Lost.class);
        assertThat(StartPlan.of(3, Optional.of(POSITION), Optional.of(slot), "millrace_x", "other"))
                .isInstanceOf(StartPlan.Lost.class);
        assertThat(
                        StartPlan.of(
                                3,
                                Optional.of(SourcePosition.beforeSnapshot(3, "", List.of())),
                                Optional.of(slot),
                                "millrace_x",
                                "shop"))
                .isInstanceOf(StartPlan.Interrupted.class);
    }

    static void awaitLost(SourceCapture capture, String why) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> CaptureScene.hasEnded(capture, Failure.Lost.class));
        assertThat(capture.state().text()).contains(why);
    }

    private static long inserts(CaptureScene scene) {
        return scene.log().stream().filter(ChangeEvent.Insert.class::isInstance).count();
    }
}
