package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.user;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// As [MovingTablesIT], with tables that are compared in chunks by several threads.
class MovingChunksIT extends MovingTablesIT {

    MovingChunksIT() {
        scene.analyze();
        scene.limits = UsersScene.inChunks(40, 1_000);
    }

    @AfterEach
    void chunksAreCompared() {
        scene.requireChunks();
    }

    /// The chunks that a TRUNCATE meets are compared again. It does not wait for their snapshots.
    @Override
    @Test
    void truncateInFlightTouchesEveryKey() {
        AtomicInteger watermarks = new AtomicInteger();
        scene.progress.afterEachWatermark(
                () -> {
                    if (watermarks.incrementAndGet() == 4) {
                        scene.progress.truncate("TRUNCATE users");
                        scene.progress.write(
                                "INSERT INTO users VALUES (1, 'again', 1)", user(1, "again", "1"));
                        scene.progress.catchUp();
                    }
                });

        TableReport table = scene.table();

        assertThat(table.mismatches()).isEmpty();
        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
    }
}
