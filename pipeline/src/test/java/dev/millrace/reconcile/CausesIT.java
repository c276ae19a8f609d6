package dev.millrace.reconcile;

import static dev.millrace.reconcile.UsersScene.keys;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Each cause of a difference, planted once, is named.
class CausesIT {

    @AutoClose private final UsersScene scene = new UsersScene();

    private String cause(String key) {
        TableReport table = scene.table();
        assertThat(keys(table)).containsExactly(key);
        return table.mismatches().stream().map(Mismatch::cause).findFirst().orElseThrow();
    }

    @Test
    void changeThatWasNeverCaptured() {
        scene.writeAndCatchUp(7, "captured");
        scene.progress.writeUnlogged("UPDATE users SET name = 'lost' WHERE id = 7");

        assertThat(cause("different 7")).startsWith("never captured");
    }

    @Test
    void rowThatWasNeverCaptured() {
        scene.progress.writeUnlogged("INSERT INTO users VALUES (1000, 'lost', 1)");

        assertThat(cause("missing 1000")).startsWith("never captured");
    }

    @Test
    void deletionThatWasNeverCaptured() {
        scene.writeAndCatchUp(7, "captured");
        scene.progress.writeUnlogged("DELETE FROM users WHERE id = 7");

        assertThat(cause("extra 7")).startsWith("never captured");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void rowThatAnotherProgramWroteOnTheTarget(boolean inChunks) {
        if (inChunks) {
            scene.analyze();
            scene.limits = UsersScene.inChunks(40, 1_000);
        }
        scene.writeAndCatchUp(7, "captured");
        scene.target.execute("UPDATE crm.customer SET full_name = 'stranger' WHERE id = 7");

        assertThat(cause("different 7")).startsWith("written on the target by another program");
    }

    @Test
    void rowThatAnotherProgramAddedToTheTarget() {
        scene.target.execute("INSERT INTO crm.customer VALUES (-5, 'stranger', 0)");

        assertThat(cause("extra -5")).startsWith("written on the target by another program");
    }

    @Test
    void rowThatIsGoneFromTheTarget() {
        scene.writeAndCatchUp(7, "captured");
        scene.target.execute("DELETE FROM crm.customer WHERE id = 7");

        assertThat(cause("missing 7")).contains("the row is gone");
    }

    @Test
    void changeThatTheTargetLost() {
        scene.writeAndCatchUp(7, "first");
        scene.writeAndCatchUp(7, "second");
        scene.target.execute("UPDATE crm.customer SET full_name = 'first' WHERE id = 7");

        assertThat(cause("different 7")).startsWith("applied and lost");
    }

    @Test
    void mappingThatGivesAnotherValue() {
        scene.writeAndCatchUp(7, "captured");
        scene.mapping = UserMapper.mapping("CASE WHEN id = 7 THEN name || '!' ELSE name END");

        assertThat(cause("different 7")).startsWith("the mapping gives another value");
    }

    @Test
    void changeThatIsOlderThanTheLog() {
        scene.writeAndCatchUp(7, "captured");
        scene.progress.deleteRecords();
        scene.target.execute("UPDATE crm.customer SET full_name = 'stranger' WHERE id = 7");

        assertThat(cause("different 7")).contains("older than the log");
    }
}
