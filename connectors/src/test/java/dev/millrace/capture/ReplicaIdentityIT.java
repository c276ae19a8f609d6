package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import dev.millrace.testing.Waits;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// Millrace identifies rows by the replica identity, the engine by the primary key.
class ReplicaIdentityIT {

    private static final List<String> DOC =
            List.of("id int", "tenant int NOT NULL", "body text", "note text");

    @Test
    void keyChangeDeletesOldKey() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("doc", DOC, "id", false).identifiedBy("tenant", "id");
            scene.source.execute(
                    "ALTER TABLE doc ALTER body SET STORAGE EXTERNAL",
                    "INSERT INTO doc VALUES (1, 1, repeat('b', 9000), 'n')");
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);

            scene.source.execute(
                    "UPDATE doc SET note = 'stays'",
                    "UPDATE doc SET tenant = 2",
                    "UPDATE doc SET id = 7",
                    "DELETE FROM doc");
            scene.awaitWatermark(capture);

            awaitChanges(
                    scene,
                    "Update 1/1",
                    "Delete 1/1",
                    "Insert 2/1",
                    "Delete 2/1",
                    "Insert 2/7",
                    "Delete 2/7");
            ChangeEvent.Insert moved =
                    scene.log().stream()
                            .filter(ChangeEvent.Insert.class::isInstance)
                            .map(ChangeEvent.Insert.class::cast)
                            .filter(insert -> "1".equals(insert.row().text(0)))
                            .findFirst()
                            .orElseThrow();
            assertThat(moved.row().isUnchanged(2)).as("the body was not sent").isTrue();
        }
    }

    @Test
    void resumeSkipsBothEventsOfKeyChange() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("doc", DOC, "id", false).identifiedBy("tenant", "id");
            scene.source.execute("INSERT INTO doc VALUES (1, 1, 'b', 'n'), (2, 1, 'b', 'n')");
            SourceCapture first = scene.start(1);
            SourceCaptureIT.streaming(scene, first);
            scene.source.execute("UPDATE doc SET tenant = 2");
            scene.awaitWatermark(first);
            first.close();
            SourceCapture second = scene.start(1);
            scene.source.execute("UPDATE doc SET tenant = 3 WHERE id = 2");
            scene.awaitWatermark(second);

            awaitChanges(
                    scene,
                    "Delete 1/1",
                    "Insert 2/1",
                    "Delete 1/2",
                    "Insert 2/2",
                    "Delete 2/2",
                    "Insert 3/2");
        }
    }

    @Test
    void deleteWithoutKeyStopsCapture() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "code int NOT NULL UNIQUE"), "id", false);
            scene.source.execute("INSERT INTO item SELECT g, g FROM generate_series(1, 5) g");
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);

            scene.source.execute(
                    "ALTER TABLE item REPLICA IDENTITY USING INDEX item_code_key; DELETE FROM item;"
                            + " ALTER TABLE item REPLICA IDENTITY DEFAULT");

            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    capture.state()
                                                    instanceof
                                                    ComponentState.Failed(
                                                            Failure.Fatal fatal,
                                                            var _)
                                            && fatal.reason()
                                                    .contains("without its key column id"));
            assertThat(changes(scene)).isEmpty();
        }
    }

    /// A committed transaction becomes readable partition by partition.
    private static void awaitChanges(CaptureScene scene, String... changes) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(() -> assertThat(changes(scene)).containsExactlyInAnyOrder(changes));
    }

    /// The row changes with the texts of their keys, in no particular order.
    private static List<String> changes(CaptureScene scene) {
        return scene.log().stream()
                .filter(ChangeEvent.OfRow.class::isInstance)
                .filter(event -> !(event instanceof ChangeEvent.Read))
                .map(
                        event ->
                                event.getClass().getSimpleName()
                                        + " "
                                        + String.join(
                                                "/",
                                                ((ChangeEvent.OfRow) event)
                                                        .row().schema().key().stream()
                                                                .map(
                                                                        at ->
                                                                                ((ChangeEvent.OfRow)
                                                                                                event)
                                                                                        .row()
                                                                                        .text(at))
                                                                .toList()))
                .toList();
    }
}
