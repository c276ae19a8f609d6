package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.ConnectionChecks.ConnectionNeed;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.testing.TestDatabase;
import org.junit.jupiter.api.Test;

/// The number of sessions that a migration has at one time.
class SessionsIT {

    /// Records at every login how many sessions the migration has, the new one included.
    private static void count(TestDatabase database, String migration) {
        String name = "'millrace " + migration + " %'";
        database.execute(
                "CREATE TABLE login (sessions int, purposes text)",
                """
                CREATE FUNCTION note_login() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
                BEGIN
                    IF current_setting('application_name') LIKE %s THEN
                        INSERT INTO public.login
                        SELECT count(*), string_agg(a.application_name, ', ')
                        FROM pg_stat_activity a LEFT JOIN pg_stat_replication r USING (pid)
                        WHERE a.datname = current_database() AND a.application_name LIKE %s
                            AND r.pid IS NULL;
                    END IF;
                END $$"""
                        .formatted(name, name),
                "CREATE EVENT TRIGGER note_login ON login EXECUTE FUNCTION note_login()",
                "ALTER EVENT TRIGGER note_login ENABLE ALWAYS");
    }

    @Test
    void neverExceedWhatThePlanReports() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            for (String table : new String[] {"a", "b", "c", "d", "e", "f"}) {
                scene.table(table, "id int PRIMARY KEY, name text");
                scene.source.execute(
                        "INSERT INTO " + table + " SELECT g, 'n' FROM generate_series(1, 100) g");
            }
            count(scene.source, scene.name);
            count(scene.target, scene.name);

            scene.start();
            scene.awaitPhase("IN_SYNC");
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);

            assertThat(most(scene.source))
                    .as(purposes(scene.source))
                    .isBetween(3, ConnectionNeed.SOURCE);
            assertThat(most(scene.target))
                    .as(purposes(scene.target))
                    .isBetween(3, ConnectionNeed.TARGET);
        }
    }

    private static String purposes(TestDatabase database) {
        return String.valueOf(
                database.value("SELECT purposes FROM login ORDER BY sessions DESC LIMIT 1"));
    }

    private static int most(TestDatabase database) {
        return Integer.parseInt(String.valueOf(database.value("SELECT max(sessions) FROM login")));
    }
}
