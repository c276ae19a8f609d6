package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.lifecycle.ComponentState.Activity;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class SourceCaptureIT {

    @Test
    void capturesExistingRowsAndLaterChangesOnceInOrder() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            scene.source.execute(
                    "INSERT INTO item SELECT g, 'n' || g FROM generate_series(1, 100) g");
            SourceCapture capture = scene.start(1);
            streaming(scene, capture);

            scene.source.execute(
                    "UPDATE item SET name = 'x' WHERE id = 7",
                    "DELETE FROM item WHERE id = 8",
                    "UPDATE item SET id = 101 WHERE id = 9");
            scene.awaitWatermark(capture);

            List<ChangeEvent> log = scene.log();
            assertThat(log).filteredOn(ChangeEvent.Read.class::isInstance).hasSize(100);
            assertThat(log).filteredOn(ChangeEvent.Update.class::isInstance).hasSize(1);
            assertThat(log).filteredOn(ChangeEvent.Delete.class::isInstance).hasSize(2);
            assertThat(log).filteredOn(ChangeEvent.Insert.class::isInstance).hasSize(1);
        }
    }

    @Test
    void ignoresTableWhoseNameDiffersOnlyInCase() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            scene.source.execute(
                    "CREATE TABLE \"Item\" (key text PRIMARY KEY, other int)",
                    "INSERT INTO \"Item\" VALUES ('there', 1)",
                    "INSERT INTO item VALUES (1, 'there')");
            SourceCapture capture = scene.start(1);
            streaming(scene, capture);

            scene.source.execute(
                    "INSERT INTO \"Item\" VALUES ('streamed', 2)",
                    "INSERT INTO item VALUES (2, 'streamed')");
            scene.awaitWatermark(capture);

            assertThat(scene.log())
                    .filteredOn(ChangeEvent.OfRow.class::isInstance)
                    .extracting(event -> ((ChangeEvent.OfRow) event).row().text(1))
                    .containsExactlyInAnyOrder("there", "streamed");
        }
    }

    @Test
    void resumesAtBoundaryWithoutDuplicates() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            SourceCapture first = scene.start(1);
            streaming(scene, first);
            scene.source.execute(
                    "DO $$ BEGIN FOR i IN 1..2500 LOOP INSERT INTO item VALUES (i, 'n'); COMMIT;"
                            + " END LOOP; END $$");
            Awaitility.await().atMost(Waits.LIMIT).until(() -> first.events() >= 2500);
            assertThat(first.delivered().remaining())
                    .as("without a watermark")
                    .hasSizeLessThanOrEqualTo(2000);
            scene.awaitWatermark(first);
            assertThat(first.delivered().remaining()).hasSizeLessThan(3);
            first.close();

            scene.source.execute(
                    "INSERT INTO item SELECT g, 'n' || g FROM generate_series(2501, 3500) g");
            SourceCapture second = scene.start(1);
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(() -> second.state().isRunning(Activity.STREAMING));
            scene.awaitWatermark(second);

            assertThat(scene.log())
                    .filteredOn(ChangeEvent.Insert.class::isInstance)
                    .extracting(event -> ((ChangeEvent.Insert) event).row().text(0))
                    .doesNotHaveDuplicates()
                    .hasSize(3500);
        }
    }

    @Test
    void snapshotOfWideRowsFitsInSmallHeap() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            scene.source.execute(
                    "ALTER TABLE item ALTER name SET STORAGE EXTERNAL",
                    "INSERT INTO item SELECT g, 'narrow' FROM generate_series(1, 1000) g",
                    "INSERT INTO item SELECT g, repeat('x', 1000000) FROM generate_series(1001, 1200) g");
            try (CaptureChild child = CaptureChild.start(scene, 0, 8192)) {
                child.awaitStreaming(scene);
            }
        }
    }

    static void streaming(CaptureScene scene, SourceCapture capture) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(300))
                .until(
                        () -> {
                            scene.emit(capture);
                            return capture.state().isRunning(Activity.STREAMING);
                        });
    }
}
