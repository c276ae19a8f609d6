package dev.millrace.preflight;

import static dev.millrace.preflight.PlantedFault.byHand;
import static dev.millrace.preflight.PlantedFault.pasted;

import dev.millrace.preflight.plan.CheckName;
import java.util.List;
import java.util.Map;

/// Faults of tables and of the file. Each has its own tables, so that all fit in two databases.
final class TableFaults {

    private static final String TRIGGER =
            "CREATE TRIGGER \"Always\" BEFORE INSERT ON fired FOR EACH ROW EXECUTE FUNCTION"
                    + " suppress_redundant_updates_trigger()";

    private TableFaults() {}

    /// A fault of a source table, which is declared and has a table like it on the target.
    private static PlantedFault onSource(
            CheckName check, String table, String columns, String... statements) {
        return pasted(
                check,
                "public." + table,
                scene -> {
                    scene.table(table, columns);
                    scene.source(statements);
                });
    }

    /// A fault of a target table, which is declared and has a table like it on the source.
    private static PlantedFault onTarget(
            CheckName check, String table, String columns, String... statements) {
        return pasted(
                check,
                "public." + table,
                scene -> {
                    scene.table(table, columns);
                    scene.target(statements);
                });
    }

    static List<PlantedFault> ofSource() {
        return List.of(
                onSource(
                        CheckName.SOURCE_TABLE_KIND,
                        "kind",
                        "id bigint PRIMARY KEY",
                        "ALTER TABLE kind SET UNLOGGED"),
                onSource(
                        CheckName.SOURCE_ACCESS_METHOD,
                        "method",
                        "id bigint PRIMARY KEY",
                        "CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler",
                        "ALTER TABLE method SET ACCESS METHOD other"),
                byHand(
                        CheckName.SOURCE_COLUMN_NAMES,
                        "public.letters",
                        scene -> {
                            scene.table("letters", "id bigint PRIMARY KEY, name int");
                            scene.source("ALTER TABLE letters ADD \"Name\" int");
                            scene.entry("letters", "SELECT id, name FROM public.letters");
                        },
                        scene -> scene.source("ALTER TABLE letters RENAME \"Name\" TO other")),
                onSource(
                        CheckName.SOURCE_INHERITANCE,
                        "parent",
                        "id bigint PRIMARY KEY",
                        "CREATE TABLE \"An Heir\" () INHERITS (parent)"),
                byHand(
                        CheckName.SOURCE_PARTITIONS,
                        "public.parts",
                        scene -> {
                            scene.table("parts", "id bigint PRIMARY KEY");
                            scene.source(
                                    "DROP TABLE parts",
                                    "CREATE TABLE parts (id bigint PRIMARY KEY) PARTITION BY RANGE (id)",
                                    "CREATE TABLE part_1 PARTITION OF parts DEFAULT",
                                    "ALTER TABLE parts OWNER TO {role}",
                                    "ALTER TABLE part_1 OWNER TO {role}");
                        },
                        // A note for as long as there are partitions.
                        scene -> scene.section("tables").remove("public.parts")),
                pasted(
                        CheckName.SOURCE_PARTITION_PRIVILEGES,
                        "public.split_1",
                        scene -> {
                            scene.table("split", "id bigint PRIMARY KEY");
                            scene.source(
                                    "DROP TABLE split",
                                    "CREATE TABLE split (id bigint PRIMARY KEY) PARTITION BY RANGE (id)",
                                    "CREATE TABLE split_1 PARTITION OF split DEFAULT",
                                    "ALTER TABLE split OWNER TO {role}");
                        }),
                onSource(
                        CheckName.SOURCE_REPLICA_IDENTITY,
                        "identity",
                        "id bigint PRIMARY KEY",
                        "ALTER TABLE identity REPLICA IDENTITY NOTHING"),
                onSource(
                        CheckName.SOURCE_REPLICA_IDENTITY,
                        "deferred",
                        "id bigint PRIMARY KEY",
                        "ALTER TABLE deferred DROP CONSTRAINT deferred_pkey",
                        "ALTER TABLE deferred ADD PRIMARY KEY (id) DEFERRABLE"),
                pasted(
                        CheckName.SOURCE_UNCHANGED_VALUES,
                        "source tables",
                        scene -> scene.table("toast", "id bigint PRIMARY KEY, v text")),
                byHand(
                        CheckName.SOURCE_LARGE_OBJECTS,
                        "public.doc.content",
                        scene -> {
                            scene.table("doc", "id bigint PRIMARY KEY, content oid");
                            scene.source("INSERT INTO doc VALUES (1, lo_from_bytea(0, 'large'))");
                        },
                        scene -> {
                            scene.source(
                                    "ALTER TABLE doc ADD bytes bytea",
                                    "UPDATE doc SET bytes = lo_get(content)",
                                    "ALTER TABLE doc REPLICA IDENTITY FULL");
                            scene.target("ALTER TABLE doc ADD bytes bytea");
                            scene.entry("doc", "SELECT id, bytes FROM public.doc");
                        }),
                onSource(
                        CheckName.SOURCE_ROW_SECURITY,
                        "secured",
                        "id bigint PRIMARY KEY",
                        "ALTER TABLE secured ENABLE ROW LEVEL SECURITY",
                        "ALTER TABLE secured FORCE ROW LEVEL SECURITY"),
                byHand(
                        CheckName.SOURCE_ROW_SIZE,
                        "public.big",
                        scene -> {
                            scene.table("big", "id bigint PRIMARY KEY, v text");
                            scene.source("INSERT INTO big VALUES (1, repeat('x', 67000000))");
                        },
                        scene -> scene.source("UPDATE big SET v = 'x'")),
                byHand(
                        CheckName.SOURCE_TYPES,
                        "public.named",
                        scene -> scene.table("named", "id bigint PRIMARY KEY, v regclass"),
                        scene -> scene.entry("named", "SELECT id FROM public.named")),
                onSource(
                        CheckName.SWITCHOVER_SOURCE_TRIGGERS,
                        "fired",
                        "id bigint PRIMARY KEY",
                        TRIGGER,
                        "ALTER TABLE fired ENABLE ALWAYS TRIGGER \"Always\""));
    }

    static List<PlantedFault> ofTarget() {
        return List.of(
                pasted(
                        CheckName.TARGET_TYPES,
                        "public.mood",
                        scene -> {
                            scene.source("CREATE TYPE feeling AS ENUM ('good', 'it''s; bad')");
                            scene.target("CREATE TYPE feeling AS ENUM ('good')");
                            scene.table("mood", "id bigint PRIMARY KEY, v feeling");
                        }),
                onTarget(
                        CheckName.TARGET_TABLE_KIND,
                        "kind",
                        "id bigint PRIMARY KEY",
                        "ALTER TABLE kind SET UNLOGGED"),
                onTarget(
                        CheckName.TARGET_KEY,
                        "keyless",
                        "id bigint PRIMARY KEY",
                        "ALTER TABLE keyless DROP CONSTRAINT keyless_pkey"),
                onTarget(
                        CheckName.TARGET_RULES,
                        "ruled",
                        "id bigint PRIMARY KEY",
                        "CREATE RULE \"Touch\" AS ON UPDATE TO ruled DO INSTEAD NOTHING",
                        "CREATE RULE also AS ON INSERT TO ruled DO ALSO SELECT 1",
                        "ALTER TABLE ruled ENABLE ALWAYS RULE also"),
                onTarget(
                        CheckName.TARGET_IDENTITY,
                        "generated",
                        "id bigint PRIMARY KEY, v bigint NOT NULL",
                        "ALTER TABLE generated ALTER v ADD GENERATED ALWAYS AS IDENTITY"),
                onTarget(
                        CheckName.TARGET_DEFERRABLE,
                        "late",
                        "id bigint PRIMARY KEY, v int",
                        "ALTER TABLE late ADD CONSTRAINT \"Later\" UNIQUE (v) DEFERRABLE"),
                onTarget(
                        CheckName.TARGET_INHERITANCE,
                        "parent",
                        "id bigint PRIMARY KEY",
                        "CREATE TABLE \"An Heir\" () INHERITS (parent)"),
                onTarget(
                        CheckName.TARGET_EMPTY,
                        "filled",
                        "id bigint PRIMARY KEY",
                        "INSERT INTO filled VALUES (1)"),
                onTarget(
                        CheckName.TARGET_TRIGGERS,
                        "fired",
                        "id bigint PRIMARY KEY",
                        TRIGGER,
                        "ALTER TABLE fired ENABLE ALWAYS TRIGGER \"Always\""),
                onTarget(
                        CheckName.TARGET_TRIGGERS,
                        "parts",
                        "id bigint PRIMARY KEY, v int",
                        "DROP TABLE parts",
                        "CREATE TABLE parts (id bigint PRIMARY KEY, v int) PARTITION BY RANGE (id)",
                        "CREATE TABLE part_1 PARTITION OF parts DEFAULT",
                        "ALTER TABLE parts OWNER TO {role}",
                        "ALTER TABLE part_1 OWNER TO {role}",
                        "CREATE TRIGGER own BEFORE INSERT ON part_1 FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
                        "ALTER TABLE part_1 ENABLE ALWAYS TRIGGER own",
                        "ALTER TABLE part_1 ADD UNIQUE (v) DEFERRABLE"),
                pasted(CheckName.TARGET_DEFERRABLE, "public.parts", _ -> {}),
                onTarget(
                        CheckName.TARGET_ROW_SECURITY,
                        "secured",
                        "id bigint PRIMARY KEY",
                        "ALTER TABLE secured ENABLE ROW LEVEL SECURITY",
                        "ALTER TABLE secured FORCE ROW LEVEL SECURITY"),
                onTarget(
                        CheckName.TARGET_AUTOVACUUM,
                        "\"Still\"",
                        "id bigint PRIMARY KEY",
                        "ALTER TABLE \"Still\" SET (autovacuum_enabled = off)"),
                pasted(
                        CheckName.TARGET_INDEXES,
                        "public.indexed",
                        scene -> {
                            scene.table("indexed", "id bigint PRIMARY KEY, v int");
                            scene.target(
                                    "CREATE INDEX ON indexed (v)",
                                    "GRANT CREATE ON SCHEMA public TO {role}");
                            scene.file.put("indexes", "after-backfill");
                        }),
                pasted(
                        CheckName.TARGET_CONSTRAINTS,
                        "checked",
                        scene -> {
                            scene.table("checked", "id bigint PRIMARY KEY, v int");
                            scene.target(
                                    "ALTER TABLE checked ADD CONSTRAINT \"Positive\" CHECK (v > 0) NOT VALID");
                        }),
                onTarget(
                        CheckName.SWITCHOVER_TARGET_REPLICA_IDENTITY,
                        "identity",
                        "id bigint PRIMARY KEY",
                        "ALTER TABLE identity REPLICA IDENTITY NOTHING"),
                pasted(
                        CheckName.SWITCHOVER_SEQUENCES,
                        "sequence public.numbered_id_seq",
                        scene -> {
                            scene.table(
                                    "numbered",
                                    "id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY");
                            scene.target(
                                    "ALTER TABLE numbered OWNER TO CURRENT_USER",
                                    "GRANT SELECT, INSERT, UPDATE, DELETE ON numbered TO {role}");
                        }));
    }

    static List<PlantedFault> ofFile() {
        return List.of(
                byHand(
                        CheckName.MAPPING,
                        "millrace.yaml:",
                        scene -> {
                            scene.customers();
                            scene.entry("customer", "SELECT id, usr_name AS full_name FROM users");
                        },
                        RemedyScene::customers),
                byHand(
                        CheckName.MAPPING_INVERSE,
                        "public.small",
                        scene -> {
                            scene.table("small", "id bigint PRIMARY KEY, v text");
                            scene.entry("small", "SELECT id, lower(v) AS v FROM public.small");
                        },
                        scene -> scene.entry("small", "SELECT id, v FROM public.small")),
                onSource(
                        CheckName.SWITCHOVER_WAY_BACK,
                        "cut",
                        "id bigint PRIMARY KEY",
                        "CREATE RULE \"Noisy\" AS ON UPDATE TO cut DO ALSO NOTHING"),
                pasted(
                        CheckName.WILDCARD,
                        "w.fleeting",
                        scene -> {
                            scene.both(
                                    "CREATE SCHEMA w AUTHORIZATION {role}",
                                    "CREATE TABLE w.kept (id bigint PRIMARY KEY)",
                                    "ALTER TABLE w.kept OWNER TO {role}",
                                    "CREATE TABLE w.fleeting (id bigint PRIMARY KEY)",
                                    "ALTER TABLE w.fleeting OWNER TO {role}");
                            scene.source("ALTER TABLE w.fleeting SET UNLOGGED");
                            scene.section("tables").put("w.*", "SELECT * FROM w.*");
                        }),
                byHand(
                        CheckName.QUERIES,
                        "query names, new",
                        scene ->
                                scene.file.put(
                                        "queries",
                                        List.of(
                                                Map.of(
                                                        "name",
                                                        "names",
                                                        "old",
                                                        "SELECT user_name FROM users",
                                                        "new",
                                                        "DELETE FROM customer"))),
                        scene ->
                                scene.file.put(
                                        "queries",
                                        List.of(
                                                Map.of(
                                                        "name",
                                                        "names",
                                                        "old",
                                                        "SELECT user_name FROM users",
                                                        "new",
                                                        "SELECT full_name FROM customer")))),
                pasted(
                        CheckName.SOURCE_WAL_BUDGET,
                        "wal-budget",
                        scene -> scene.file.put("wal-budget", "64MB")),
                byHand(
                        CheckName.KAFKA_LOG_SIZE,
                        "data-dir /proc/millrace",
                        scene -> {
                            scene.file.put("data-dir", "/proc/millrace");
                            scene.source(
                                    "INSERT INTO users SELECT g, repeat('x', 500) FROM generate_series(1, 5000) g");
                        },
                        scene -> scene.file.remove("data-dir")));
    }
}
