package dev.millrace.preflight;

import static dev.millrace.preflight.PlantedFault.byHand;
import static dev.millrace.preflight.PlantedFault.pasted;

import dev.millrace.preflight.plan.CheckName;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.util.List;

/// Faults of whole servers and databases.
final class ServerFaults {

    private ServerFaults() {}

    /// A server on which no migration could run.
    static SandboxSettings settings() {
        return SandboxSettings.fast(TestFolders.postgresBinaries())
                .with("wal_level", "replica")
                .with("max_replication_slots", "1")
                .with("max_wal_senders", "0")
                .with("max_active_replication_origins", "4")
                .with("max_connections", "20")
                .with("max_slot_wal_keep_size", "512MB")
                .with("idle_replication_slot_timeout", "90min")
                .with("logical_decoding_work_mem", "1MB")
                .with("output_plugin_libraries", "test_decoding, \"$libdir/other\"");
    }

    static List<PlantedFault> ofSettings() {
        return List.of(
                pasted(
                        CheckName.SOURCE_WAL_LEVEL,
                        "wal_level",
                        scene -> {
                            scene.customers();
                            scene.source(
                                    "SELECT pg_create_physical_replication_slot('taken')",
                                    // Otherwise the server hides its list of output plugins.
                                    "GRANT pg_read_all_settings TO {role}");
                        }),
                planted(CheckName.SWITCHOVER_TARGET_WAL_LEVEL, "wal_level"),
                planted(CheckName.SOURCE_SLOT, "max_replication_slots"),
                planted(CheckName.SWITCHOVER_TARGET_SLOTS, "max_replication_slots"),
                planted(CheckName.SOURCE_WAL_SENDER, "max_wal_senders"),
                planted(CheckName.SWITCHOVER_TARGET_SENDERS, "max_wal_senders"),
                planted(CheckName.SWITCHOVER_ORIGINS, "max_active_replication_origins"),
                planted(CheckName.SOURCE_CONNECTIONS, "max_connections"),
                planted(CheckName.TARGET_CONNECTIONS, "max_connections"),
                planted(CheckName.SOURCE_OUTPUT_PLUGIN, "output_plugin_libraries"),
                planted(CheckName.SOURCE_KEPT_WAL, "max_slot_wal_keep_size"),
                planted(CheckName.SOURCE_IDLE_SLOT, "idle_replication_slot_timeout"),
                planted(CheckName.SOURCE_DECODING_MEMORY, "logical_decoding_work_mem"));
    }

    /// A fault of the server's settings.
    private static PlantedFault planted(CheckName check, String object) {
        return pasted(check, object, _ -> {});
    }

    /// @param primary a scene whose databases accept writes
    static List<PlantedFault> ofStandby(RemedyScene primary) {
        return List.of(
                byHand(
                        CheckName.SOURCE_PRIMARY,
                        "source",
                        _ -> {},
                        scene -> scene.file.put("source", primary.file.get("source"))),
                byHand(
                        CheckName.TARGET_PRIMARY,
                        "target",
                        _ -> {},
                        scene -> scene.file.put("target", primary.file.get("target"))));
    }

    /// What a server says of itself. The role's sessions have the functions of their database.
    static List<PlantedFault> ofClaims() {
        return List.of(
                byHand(
                        CheckName.SOURCE_VERSION,
                        "PostgreSQL ",
                        scene -> {
                            scene.customers();
                            pretend(
                                    scene.databases.source,
                                    "current_setting",
                                    "text",
                                    "text",
                                    VERSION.formatted("130022"));
                        },
                        scene -> tellTheTruth(scene.databases.source, "current_setting", "text")),
                byHand(
                        CheckName.TARGET_VERSION,
                        "PostgreSQL ",
                        scene ->
                                pretend(
                                        scene.databases.target,
                                        "current_setting",
                                        "text",
                                        "text",
                                        VERSION.formatted("190001")),
                        scene -> tellTheTruth(scene.databases.target, "current_setting", "text")),
                byHand(
                        CheckName.TARGET_CLOCK,
                        "clocks",
                        scene ->
                                pretend(
                                        scene.databases.target,
                                        "clock_timestamp",
                                        "",
                                        "timestamptz",
                                        "pg_catalog.true_clock_timestamp() + interval '1 hour'"),
                        scene -> tellTheTruth(scene.databases.target, "clock_timestamp", "")));
    }

    private static final String VERSION =
            "CASE $1 WHEN 'server_version_num' THEN '%s' ELSE pg_catalog.true_current_setting($1) END";

    private static void pretend(
            TestDatabase database, String function, String argument, String type, String result) {
        database.execute(
                "ALTER FUNCTION pg_catalog.%1$s(%2$s) RENAME TO true_%1$s"
                        .formatted(function, argument),
                "CREATE FUNCTION pg_catalog.%s(%s) RETURNS %s LANGUAGE sql AS $sql$ SELECT %s $sql$"
                        .formatted(function, argument, type, result));
    }

    private static void tellTheTruth(TestDatabase database, String function, String argument) {
        database.execute(
                "DROP FUNCTION pg_catalog.%s(%s)".formatted(function, argument),
                "ALTER FUNCTION pg_catalog.true_%1$s(%2$s) RENAME TO %1$s"
                        .formatted(function, argument));
    }

    /// A transaction that is older than a minute, because the clock is ahead.
    static List<PlantedFault> ofTransactions(String prepared) {
        return List.of(
                pasted(
                        CheckName.SOURCE_OPEN_TRANSACTIONS,
                        "prepared transaction '" + prepared + "'",
                        scene -> {
                            scene.customers();
                            pretend(
                                    scene.databases.source,
                                    "now",
                                    "",
                                    "timestamptz",
                                    "pg_catalog.true_now() + interval '10 minutes'");
                            scene.databases.source.execute(
                                    "BEGIN; CREATE TABLE prepared (); PREPARE TRANSACTION '"
                                            + prepared
                                            + "'");
                        }));
    }

    static List<PlantedFault> ofDatabases(RemedyScene other) {
        return List.of(
                byHand(
                        CheckName.SOURCE_ENCODING,
                        "database ",
                        RemedyScene::customers,
                        scene -> scene.file.put("source", other.file.get("source"))),
                byHand(
                        CheckName.TARGET_ENCODING,
                        "database ",
                        _ -> {},
                        scene -> scene.file.put("target", other.file.get("target"))),
                byHand(
                        CheckName.TARGET_DATABASE_LOCALE,
                        "database ",
                        _ -> {},
                        // Another database.
                        _ -> {}));
    }

    /// Databases that no migration accepts.
    static RemedyScene latin() {
        return new RemedyScene(
                PreflightScene.of(
                        PostgresServer.shared().newDatabase("ENCODING 'LATIN1' LOCALE 'C'"),
                        PostgresServer.shared()
                                .newDatabase(
                                        "ENCODING 'LATIN1' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C'")));
    }
}
