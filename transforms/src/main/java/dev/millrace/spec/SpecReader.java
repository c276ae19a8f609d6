package dev.millrace.spec;

import dev.millrace.problem.Position;
import dev.millrace.problem.Problem;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.Indexes;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.MigrationSpec.RejectedLimit;
import dev.millrace.spec.MigrationSpec.SensitiveColumns;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.access.AccessForm;
import dev.millrace.spec.access.AccessSetting;
import dev.millrace.spec.access.ApiForm;
import dev.millrace.spec.access.ApiForm.Tls;
import dev.millrace.spec.flow.FlowSetting;
import dev.millrace.spec.path.FilePaths;
import dev.millrace.spec.queries.QueryPair;
import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.setting.SettingCollector;
import dev.millrace.spec.source.SchemaChange;
import dev.millrace.spec.source.TruncateSetting;
import dev.millrace.spec.source.TruncateSetting.Truncate;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.spec.text.SourceText;
import dev.millrace.spec.text.Substitution;
import dev.millrace.spec.text.SyntaxTree;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;

/// Reads `millrace.yaml` and the password files it names; opens no connection. Never throws because
/// of the file's content: all problems are returned at once. Thread-safe.
public final class SpecReader {

    private static final int MAX_FILE_BYTES = 1024 * 1024;

    private SpecReader() {}

    public static SpecResult read(Path file, Map<String, String> environment) {
        Position start = new Position(file.toString(), 1, 1);
        try {
            if (Files.isDirectory(file)) {
                return refused(start, "is a directory", "give the path of the file");
            }
            if (Files.size(file) > MAX_FILE_BYTES) {
                return refused(
                        start, "is larger than 1 MiB", "check that it is the migration" + " file");
            }
            String text =
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
                            .toString();
            return read(file.toString(), text, environment, FilePaths.of(file));
        } catch (NoSuchFileException _) {
            return refused(start, "there is no such file", "give its path with -c");
        } catch (CharacterCodingException _) {
            return refused(start, "is not UTF-8 text", "save it as UTF-8");
        } catch (IOException _) {
            return refused(start, "cannot be read", "allow this user to read the file");
        }
    }

    /// @param file the name that problems show; relative paths in the file start at its folder
    public static SpecResult read(String file, String text, Map<String, String> environment) {
        return read(file, text, environment, FilePaths.of(Path.of(file)));
    }

    private static SpecResult read(
            String file, String text, Map<String, String> environment, FilePaths paths) {
        Problems problems = new Problems();
        SourceText source = new SourceText(file, text);
        Node root =
                SyntaxTree.read(
                        source, (at, message, remedy) -> problems.add(at, "", message, remedy));
        SpecForm form =
                root == null
                        ? null
                        : new Binder(source, new Substitution(environment), problems)
                                .bind(SpecForm.class, root);
        MigrationSpec spec = form == null ? null : check(form, source, paths, problems);
        AccessSetting access =
                AccessForm.check(form == null ? null : form.access(), source.at(0), problems);
        Optional<Tls> tls = ApiForm.check(form == null ? null : form.api(), paths, problems);
        if (form == null || spec == null || !problems.isEmpty()) {
            return new SpecResult.Invalid(problems.inFileOrder());
        }
        return new SpecResult.Valid(
                spec, SpecHash.of(spec), SettingCollector.of(form), access, tls);
    }

    /// @return null only when a problem was reported
    private static @Nullable MigrationSpec check(
            SpecForm form, SourceText source, FilePaths paths, Problems problems) {
        EndpointCheck endpoints = new EndpointCheck(paths, problems);
        Endpoint from = form.source() == null ? null : endpoints.check(form.source());
        Endpoint to = form.target() == null ? null : endpoints.check(form.target());
        Kafka kafka = new KafkaCheck(paths, problems).check(form.kafka());
        Path dataDir = dataDir(form.dataDir(), paths, problems);
        Indexes indexes = TableCheck.indexes(form.indexes(), problems).orElse(Indexes.KEEP);
        long rejected =
                TableCheck.rejectedLimit(form.rejectedLimit(), problems)
                        .orElse(RejectedLimit.STANDARD.standard());
        Truncate truncate = TableCheck.truncate(form.truncate(), problems).orElse(Truncate.APPLY);
        SchemaChange changes = TableCheck.schemaChange(form.schemaChange(), problems);
        TableCheck tableCheck = new TableCheck(problems);
        List<TableEntry> tables =
                form.tables() == null ? List.of() : tableCheck.check(form.tables());
        Map<String, String> debezium =
                form.debezium() == null
                        ? Map.of()
                        : new DebeziumCheck(problems).check(form.debezium());
        Switchover switchover = new SwitchoverCheck(paths, problems).check(form.switchover());
        List<QueryPair> queries = QueryForm.check(form.queries(), problems);
        ReconcileSetting reconcile = ReconcileForm.check(form.reconcile(), problems);
        Backfill backfill = backfill(form.backfill(), problems);
        FlowSetting flow =
                new FlowSetting(
                        StopWhenForm.check(
                                form.stopWhen(), backfill, !switchover.route().isEmpty(), problems),
                        StopWhenForm.size(form.walBudget(), problems),
                        StopWhenForm.walExit(form.walExit(), problems));
        Scalar migration = form.migration();
        if (migration != null && !migration.text().matches(SpecForm.MIGRATION)) {
            problems.add(
                    migration,
                    "'" + migration.shown() + "' cannot name a slot, a publication and topics",
                    "use a lower-case letter, then at most 30 of a-z, 0-9 and _");
        }
        if (form.tables() != null && tables.isEmpty() && problems.isEmpty()) {
            problems.add(
                    source.at(0),
                    "tables",
                    "contains no table",
                    "add one, such as public.*:" + " SELECT * FROM public.*");
        }
        if (migration == null || from == null || to == null || dataDir == null) {
            return null;
        }
        return new MigrationSpec(
                migration.text(),
                from,
                to,
                kafka,
                dataDir,
                tables,
                debezium,
                backfill,
                new IndexSetting(indexes, tableCheck.indexes()),
                new RejectedLimit(rejected, tableCheck.rejectedLimits()),
                new TruncateSetting(truncate, tableCheck.truncates()),
                new SchemaChange.Setting(changes, tableCheck.schemaChanges()),
                switchover,
                queries,
                reconcile,
                flow,
                new SensitiveColumns(tableCheck.sensitive()));
    }

    private static Backfill backfill(@Nullable Scalar backfill, Problems problems) {
        if (backfill == null) {
            return Backfill.WINDOWS;
        }
        return switch (backfill.text()) {
            case "windows" -> Backfill.WINDOWS;
            case "engine" -> Backfill.ENGINE;
            default -> {
                problems.add(backfill, "must be windows or engine", "");
                yield Backfill.WINDOWS;
            }
        };
    }

    private static @Nullable Path dataDir(
            @Nullable Scalar dataDir, FilePaths paths, Problems problems) {
        if (dataDir == null) {
            return paths.resolve(SpecForm.DATA_DIR);
        }
        try {
            if (!dataDir.text().isBlank()) {
                return paths.resolve(dataDir.text());
            }
            problems.add(dataDir, "is empty", "remove it to use " + SpecForm.DATA_DIR);
        } catch (InvalidPathException _) {
            problems.add(dataDir, "is not a path", "");
        }
        return null;
    }

    private static SpecResult refused(Position at, String message, String remedy) {
        return new SpecResult.Invalid(List.of(new Problem(at, "", message, remedy)));
    }
}
