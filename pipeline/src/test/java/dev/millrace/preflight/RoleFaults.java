package dev.millrace.preflight;

import static dev.millrace.preflight.PlantedFault.byHand;
import static dev.millrace.preflight.PlantedFault.pasted;

import dev.millrace.preflight.plan.CheckName;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Faults of roles: what they may do, and how many sessions they may have.
final class RoleFaults {

    private static final String ORIGINS =
            "REVOKE EXECUTE ON FUNCTION pg_replication_origin_create, pg_replication_origin_drop,"
                    + " pg_replication_origin_oid, pg_replication_origin_session_setup,"
                    + " pg_replication_origin_session_reset, pg_replication_origin_xact_setup FROM"
                    + " {role}";

    private RoleFaults() {}

    private static PlantedFault source(CheckName check, String object, String... statements) {
        return pasted(check, object, scene -> scene.source(statements));
    }

    private static PlantedFault target(CheckName check, String object, String... statements) {
        return pasted(check, object, scene -> scene.target(statements));
    }

    /// Both databases are on one server, so some of them are found on both sides.
    static List<PlantedFault> ofPrivileges() {
        return List.of(
                pasted(
                        CheckName.SOURCE_REPLICATION_ROLE,
                        "role ",
                        scene -> {
                            scene.customers();
                            scene.source("ALTER ROLE {role} NOREPLICATION");
                        }),
                source(CheckName.SWITCHOVER_TARGET_REPLICATION_ROLE, "role "),
                source(
                        CheckName.SOURCE_SELECT_PRIVILEGE,
                        "public.users",
                        "CREATE ROLE {role}_app",
                        "ALTER TABLE users OWNER TO {role}_app"),
                source(CheckName.SOURCE_PUBLICATION, "public.users"),
                source(CheckName.SWITCHOVER_SOURCE_OWNERSHIP, "tables of "),
                target(
                        CheckName.TARGET_WRITE_PRIVILEGE,
                        "public.customer",
                        "ALTER TABLE customer OWNER TO CURRENT_USER"),
                target(CheckName.SWITCHOVER_TARGET_OWNERSHIP, "tables of "),
                target(
                        CheckName.TARGET_CONTROL_SCHEMA,
                        "database ",
                        "REVOKE CREATE ON DATABASE {database} FROM {role}"),
                target(CheckName.SWITCHOVER_TARGET_PUBLICATION, "database "),
                target(
                        CheckName.TARGET_TEMPORARY_TABLES,
                        "database ",
                        "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC"),
                source(
                        CheckName.SWITCHOVER_TEMPORARY_TABLES,
                        "database ",
                        "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC"),
                source(
                        CheckName.SWITCHOVER_CONTROL_SCHEMA,
                        "database ",
                        "REVOKE CREATE ON DATABASE {database} FROM {role}"),
                pasted(
                        CheckName.SWITCHOVER_ORIGIN_FUNCTIONS,
                        "database ",
                        scene -> scene.both(ORIGINS)),
                source(
                        CheckName.SWITCHOVER_ACTIVITY,
                        "role ",
                        "REVOKE pg_read_all_stats FROM {role}"),
                source(CheckName.SOURCE_OPEN_TRANSACTIONS, "role "),
                source(
                        CheckName.SWITCHOVER_SOURCE_TRIGGERS,
                        "role ",
                        "CREATE TABLE visit (id bigint PRIMARY KEY, user_id bigint REFERENCES users)",
                        "REVOKE SET ON PARAMETER session_replication_role FROM {role}"),
                target(
                        CheckName.TARGET_TRIGGERS,
                        "public.customer",
                        "CREATE TABLE visit (id bigint PRIMARY KEY, customer bigint REFERENCES customer)"),
                pasted(
                        CheckName.TARGET_UNIQUE_VALUES,
                        "role ",
                        scene -> {
                            scene.table("parts", "id bigint PRIMARY KEY, v int");
                            scene.target(
                                    "DROP TABLE parts",
                                    "CREATE TABLE parts (id bigint PRIMARY KEY, v int) PARTITION BY RANGE (id)",
                                    "CREATE TABLE part_1 PARTITION OF parts DEFAULT",
                                    "CREATE UNIQUE INDEX ON part_1 (v)",
                                    "ALTER TABLE parts OWNER TO {role}",
                                    "ALTER TABLE part_1 OWNER TO {role}");
                        }),
                pasted(
                        CheckName.SOURCE_COLLATION_PRIVILEGE,
                        "schema sorts",
                        scene -> {
                            scene.both(
                                    "CREATE SCHEMA sorts",
                                    "CREATE COLLATION sorts.plain FROM \"C\"");
                            scene.table(
                                    "names", "id bigint PRIMARY KEY, n text COLLATE sorts.plain");
                            scene.entry(
                                    "names",
                                    Map.of(
                                            "select",
                                            "SELECT id, lower(n) AS n FROM names",
                                            "reverse",
                                            List.of("SELECT id, upper(n) AS n FROM names")));
                        }),
                target(CheckName.TARGET_COLLATION_PRIVILEGE, "schema sorts"),
                pasted(
                        CheckName.SOURCE_TYPE_PRIVILEGE,
                        "schema kinds",
                        scene -> {
                            scene.both(
                                    "CREATE SCHEMA kinds", "CREATE TYPE kinds.mark AS ENUM ('a')");
                            scene.table("marked", "id kinds.mark PRIMARY KEY");
                        }),
                target(CheckName.TARGET_TYPE_PRIVILEGE, "schema kinds"),
                source(CheckName.SWITCHOVER_TYPE_PRIVILEGE, "schema kinds"));
    }

    static List<PlantedFault> ofSettings() {
        return List.of(
                pasted(
                        CheckName.SOURCE_CONNECTIONS,
                        "role ",
                        scene -> {
                            scene.customers();
                            scene.source("ALTER ROLE {role} CONNECTION LIMIT 3");
                        }),
                target(CheckName.TARGET_CONNECTIONS, "role "),
                source(
                        CheckName.SOURCE_DECODING_MEMORY,
                        "logical_decoding_work_mem",
                        "ALTER DATABASE {database} SET logical_decoding_work_mem = '64kB'"),
                source(
                        CheckName.TARGET_DATABASE_SETTINGS,
                        "setting application_name",
                        "ALTER DATABASE {database} SET application_name = 'it''s; so'"),
                byHand(
                        CheckName.TARGET_DATABASE_SETTINGS,
                        "setting my.secret",
                        scene -> scene.source("ALTER DATABASE {database} SET my.secret = 'a'"),
                        scene -> scene.target("ALTER DATABASE {database} SET my.secret = 'a'")),
                target(
                        CheckName.TARGET_STATEMENT_LOG,
                        "log_statement",
                        "ALTER DATABASE {database} SET log_statement = 'all'"),
                target(CheckName.TARGET_EXTENSIONS, "extension plpgsql", "DROP EXTENSION plpgsql"),
                source(
                        CheckName.SOURCE_PUBLICATION,
                        "publication millrace_",
                        "CREATE PUBLICATION millrace_{migration} FOR TABLE users WITH (publish ="
                                + " 'insert, update, delete, truncate', publish_via_partition_root ="
                                + " true, publish_generated_columns = stored)"),
                target(
                        CheckName.SWITCHOVER_TARGET_PUBLICATION,
                        "publication millrace_",
                        "CREATE PUBLICATION millrace__reverse_{migration} FOR TABLE customer"),
                source(
                        CheckName.SOURCE_SLOT,
                        "slot millrace_",
                        "SELECT pg_create_logical_replication_slot('millrace_{migration}', 'pgoutput')"));
    }

    /// A login that only compares, with the documented privileges.
    static void reader(RemedyScene scene) {
        scene.customers();
        scene.entry(
                "customer",
                Map.of(
                        "select",
                        "SELECT id, user_name AS full_name, email FROM users",
                        "reverse",
                        List.of("SELECT id, full_name AS user_name FROM customer")));
        scene.source("CREATE ROLE {role}_reader LOGIN PASSWORD 'reader-4711'");
        scene.source("GRANT SELECT ON users TO {role}_reader");
        scene.target("GRANT SELECT ON customer TO {role}_reader");
        scene.both(
                "CREATE SCHEMA millrace AUTHORIZATION {role}",
                "GRANT USAGE ON SCHEMA millrace TO {role}_reader",
                "ALTER DEFAULT PRIVILEGES FOR ROLE {role} IN SCHEMA millrace GRANT SELECT ON TABLES TO {role}_reader");
        for (String side : List.of("source", "target")) {
            scene.section(side)
                    .put(
                            "reconcile",
                            new LinkedHashMap<>(
                                    Map.of(
                                            "username",
                                            scene.role() + "_reader",
                                            "password",
                                            "reader-4711")));
        }
    }

    static List<PlantedFault> ofReader() {
        return List.of(
                pasted(
                        CheckName.SOURCE_RECONCILE_SELECT,
                        "public.users",
                        scene -> {
                            reader(scene);
                            scene.table("plain", "id bigint PRIMARY KEY");
                            scene.both("GRANT SELECT ON plain TO {role}_reader");
                            scene.source("REVOKE SELECT ON users FROM {role}_reader");
                        }),
                target(
                        CheckName.TARGET_RECONCILE_SELECT,
                        "public.customer",
                        "REVOKE SELECT ON customer FROM {role}_reader"),
                source(
                        CheckName.SOURCE_RECONCILE_ROW_SECURITY,
                        "public.plain",
                        "ALTER TABLE plain ENABLE ROW LEVEL SECURITY"),
                target(
                        CheckName.TARGET_RECONCILE_ROW_SECURITY,
                        "public.plain",
                        "ALTER TABLE plain ENABLE ROW LEVEL SECURITY"),
                source(
                        CheckName.SOURCE_RECONCILE_NAMES,
                        "role ",
                        "CREATE SCHEMA other",
                        "GRANT USAGE ON SCHEMA other TO {role}_reader",
                        "ALTER ROLE {role}_reader IN DATABASE {database} SET search_path = other, pg_catalog, public"),
                target(
                        CheckName.TARGET_RECONCILE_NAMES,
                        "role ",
                        "CREATE SCHEMA other",
                        "GRANT USAGE ON SCHEMA other TO {role}_reader",
                        "ALTER ROLE {role}_reader IN DATABASE {database} SET search_path = other, pg_catalog, public"),
                source(
                        CheckName.SWITCHOVER_RECONCILE_CONTROL,
                        "schema millrace",
                        "REVOKE USAGE ON SCHEMA millrace FROM {role}_reader"),
                target(
                        CheckName.TARGET_RECONCILE_CONTROL,
                        "schema millrace",
                        "REVOKE USAGE ON SCHEMA millrace FROM {role}_reader"),
                source(
                        CheckName.SOURCE_RECONCILE_WRITES,
                        "public.users",
                        "GRANT INSERT ON users TO {role}_reader"),
                target(
                        CheckName.TARGET_RECONCILE_WRITES,
                        "public.customer",
                        "GRANT DELETE ON customer TO PUBLIC"),
                source(
                        CheckName.SOURCE_RECONCILE_CONNECTIONS,
                        "role ",
                        "ALTER ROLE {role}_reader CONNECTION LIMIT 5"),
                target(CheckName.TARGET_RECONCILE_CONNECTIONS, "role "));
    }

    static List<PlantedFault> ofReadersLogin() {
        return List.of(
                pasted(
                        CheckName.SOURCE_RECONCILE_LOGIN,
                        "role ",
                        scene -> {
                            reader(scene);
                            scene.source("ALTER ROLE {role}_reader NOLOGIN");
                        }),
                target(CheckName.TARGET_RECONCILE_LOGIN, "role "));
    }

    static List<PlantedFault> ofLogin() {
        return List.of(
                pasted(
                        CheckName.SOURCE_REACHABLE,
                        "@",
                        scene -> {
                            scene.customers();
                            scene.source("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC");
                        }),
                byHand(
                        CheckName.TARGET_REACHABLE,
                        "@",
                        scene -> scene.section("target").put("password", "another"),
                        scene ->
                                scene.section("target")
                                        .put("password", scene.databases.sourcePassword)));
    }
}
