package dev.millrace.rebackfill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.control.RebackfillStore;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Database;
import dev.millrace.rebackfill.Rebackfill.Request;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What refuses to read rows again, with its message. Nothing is journaled then.
class RebackfillsIT {

    private static final String TABLE = OneTable.NAME;

    enum Refused {
        WHILE_THE_TRAFFIC_IS_MOVED(
                "SWITCHING_OVER",
                "no operation moves it; the migration is in the phase SWITCHING_OVER"),
        WHILE_THE_APPLICATION_WRITES_TO_THE_TARGET(
                "REVERSIBLE",
                "Rows are read again only while the application writes to the source"),
        BEFORE_THE_MIGRATION_HAS_BEGUN("PLANNED", "the migration is in the phase PLANNED"),
        IN_ANOTHER_PHASE_THAN_EXPECTED(
                "CATCHING_UP",
                "The migration is in the phase CATCHING_UP, not in IN_SYNC. Check 'millrace status'") {
            @Override
            Request request(boolean dryRun) {
                return asked(Optional.empty(), Optional.of("IN_SYNC"), dryRun);
            }
        },
        BY_THE_ENGINE("IN_SYNC", "the file says 'backfill: engine'. Set 'backfill: windows'") {
            @Override
            Backfill backfill() {
                return Backfill.ENGINE;
            }
        },
        IF_A_KEY_DOES_NOT_SAY_WHICH_ROW_IT_IS(
                "IN_SYNC",
                "The key of table public.item does not say which row of the source it is") {
            @Override
            Mapping mapping() {
                return OneTable.withoutOrigin(super.mapping());
            }
        },
        OF_ONE_TABLE_AFTER_A_FAILURE("FAILED", "'millrace rebackfill' without --table") {
            @Override
            Request request(boolean dryRun) {
                return asked(Optional.of(TABLE), Optional.empty(), dryRun);
            }
        },
        WITHOUT_THE_LOCK("IN_SYNC", "does not have the migration's lock at this moment") {
            @Override
            boolean owns() {
                return false;
            }
        };

        private final String phase;
        private final String message;

        Refused(String phase, String message) {
            this.phase = phase;
            this.message = message;
        }

        Request request(boolean dryRun) {
            return asked(Optional.empty(), Optional.empty(), dryRun);
        }

        Backfill backfill() {
            return Backfill.WINDOWS;
        }

        Mapping mapping() {
            return OneTable.mapping();
        }

        boolean owns() {
            return true;
        }
    }

    private static Request asked(
            Optional<String> table, Optional<String> expectedPhase, boolean dryRun) {
        return new Request(table, "", Optional.of("ann"), expectedPhase, Optional.empty(), dryRun);
    }

    @ParameterizedTest
    @EnumSource
    void refusesAndJournalsNothing(Refused refused) throws Exception {
        TestDatabase database = PostgresServer.shared().newTarget();
        Login login = GrantedLogins.target(database);
        Endpoint endpoint = login.endpoint();
        try (Database control = login.database("shop");
                Rebackfills rebackfills =
                        Rebackfills.resume(
                                new Rebackfills.Equipment(
                                        OneTable.stream(
                                                refused.mapping(),
                                                refused.backfill(),
                                                endpoint,
                                                control),
                                        new RebackfillStore(control, "shop", 1),
                                        () -> refused.phase,
                                        refused::owns,
                                        "service",
                                        InstantSource.system()))) {
            for (boolean dryRun : List.of(true, false)) {
                assertThatThrownBy(() -> rebackfills.request(refused.request(dryRun)))
                        .isInstanceOf(RefusedException.class)
                        .hasMessageContaining(refused.message);
            }
            assertThat(rebackfills.isRunning()).isFalse();
            assertThat(
                            database.value(
                                    "SELECT (SELECT count(*) FROM millrace.rebackfill) + (SELECT"
                                            + " count(*) FROM millrace.journal)"))
                    .isEqualTo("0");
        }
    }
}
