package dev.millrace.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.kafka.SecuredBroker;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.testing.TestDatabase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.resource.ResourceType;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import tools.jackson.databind.json.JsonMapper;

/// Two databases and a migration file into which faults are planted and remedies are pasted. Not
/// thread-safe.
final class RemedyScene {

    private static final Pattern TOPIC_SETTING =
            Pattern.compile(
                    "kafka-configs.sh --bootstrap-server (\\S+) --alter --entity-type topics"
                            + " --entity-name (\\S+) --add-config ([a-z.]+)=(\\S+)");
    private static final Pattern PRIVILEGES =
            Pattern.compile(
                    "kafka-acls.sh --bootstrap-server \\S+ --add --allow-principal User:(\\S+)"
                            + "((?: --operation \\w+)+) --(?:cluster|(\\S+) (\\S+)"
                            + " --resource-pattern-type prefixed)");
    private static final Pattern TOPIC_DELETION =
            Pattern.compile(
                    "kafka-topics.sh --bootstrap-server (\\S+) --delete --topic (\\S+) #.*");

    final PreflightScene databases;
    final Map<String, Object> file = new LinkedHashMap<>();
    private final Runnable restart;
    private final Set<String> pasted = new LinkedHashSet<>();
    private List<Finding> findings = List.of();
    private Optional<SecuredBroker> broker = Optional.empty();

    RemedyScene(PreflightScene databases) {
        this(
                databases,
                () -> {
                    throw new IllegalStateException("The server of all tests stays as it is.");
                });
    }

    /// @param broker whose administrator runs the commands that grant something
    RemedyScene(PreflightScene databases, SecuredBroker broker) {
        this(databases);
        this.broker = Optional.of(broker);
    }

    /// @param restart of the servers, for settings that need it
    RemedyScene(PreflightScene databases, Runnable restart) {
        this.databases = databases;
        this.restart = restart;
        file.put("migration", databases.migration());
        side("source", databases.source.url());
        side("target", databases.target.url());
        file.put("tables", new LinkedHashMap<>());
    }

    private void side(String side, String url) {
        file.put(
                side,
                new LinkedHashMap<String, Object>(
                        Map.of(
                                "url",
                                url,
                                "username",
                                databases.role,
                                "password",
                                databases.sourcePassword)));
    }

    String role() {
        return databases.role;
    }

    void source(String... statements) {
        run(databases.source, statements);
    }

    void target(String... statements) {
        run(databases.target, statements);
    }

    void both(String... statements) {
        source(statements);
        target(statements);
    }

    private void run(TestDatabase database, String... statements) {
        for (String statement : statements) {
            database.execute(
                    statement
                            .replace("{role}", databases.role)
                            .replace("{database}", database.name())
                            .replace("{migration}", databases.migration()));
        }
    }

    /// Creates the same table on both sides, which belongs to the role, and declares it.
    void table(String name, String columns) {
        both(
                "CREATE TABLE %s (%s)".formatted(name, columns),
                "ALTER TABLE %s OWNER TO {role}".formatted(name));
        entry(name, "SELECT t.* FROM public.%s t".formatted(name));
    }

    /// Declares the tables that every scene has.
    void customers() {
        entry("customer", "SELECT id, user_name AS full_name, email FROM public.users");
        source("ALTER TABLE users REPLICA IDENTITY FULL");
    }

    void entry(String target, Object select) {
        section("tables").put("public." + target, select);
    }

    @SuppressWarnings("unchecked")
    Map<String, Object> section(String name) {
        return (Map<String, Object>) file.computeIfAbsent(name, _ -> new LinkedHashMap<>());
    }

    PreflightReport plan() {
        PreflightReport report = databases.plan(spec());
        findings = report.findings();
        return report;
    }

    MigrationSpec spec() {
        String text = JsonMapper.shared().writeValueAsString(file);
        return switch (SpecReader.read("millrace.yaml", text, Map.of())) {
            case SpecResult.Valid valid -> valid.spec();
            case SpecResult.Invalid invalid ->
                    throw new IllegalStateException(invalid.problems().toString());
        };
    }

    /// What the last plan advised about a check.
    String advised(CheckName check) {
        return findings.stream()
                .filter(found -> found.check().equals(check.id()))
                .findFirst()
                .orElseThrow()
                .remedy();
    }

    /// Does what the finding says, exactly as it is printed.
    void paste(Finding finding) {
        if (!pasted.add(finding.place() + finding.remedy())) {
            return;
        }
        switch (finding.place()) {
            case SOURCE -> psql(databases.source, finding.remedy());
            case TARGET -> psql(databases.target, finding.remedy());
            case FILE -> merge(file, yaml(finding.remedy()));
            case SHELL -> shell(finding.remedy());
            case NONE, OPERATOR -> throw new IllegalStateException("Cannot be pasted: " + finding);
        }
    }

    /// Restarts the servers if a remedy asks for it.
    void finish() {
        if (pasted.stream().anyMatch(remedy -> remedy.contains("Then restart the "))) {
            restart.run();
        }
        pasted.clear();
    }

    /// Like psql, sends one statement at a time.
    private static void psql(TestDatabase database, String text) {
        List<String> statements = statements(text);
        assertThat(statements).as(text).isNotEmpty();
        for (String statement : statements) {
            database.execute(statement);
        }
    }

    static List<String> statements(String text) {
        List<String> statements = new ArrayList<>();
        int begin = 0;
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char next = text.charAt(i);
            if (quote != 0) {
                quote = next == quote ? 0 : quote;
            } else if (next == '\'' || next == '"') {
                quote = next;
            } else if (next == ';') {
                statements.add(text.substring(begin, i));
                begin = i + 1;
            } else if (text.startsWith("--", i)) {
                assertThat(text.substring(begin, i)).as("the end of a statement").isBlank();
                return statements;
            }
        }
        assertThat(text.substring(begin)).as("the end of a statement").isBlank();
        return statements;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> yaml(String text) {
        return (Map<String, Object>) new Load(LoadSettings.builder().build()).loadFromString(text);
    }

    @SuppressWarnings("unchecked")
    private static void merge(Map<String, Object> into, Map<String, Object> more) {
        more.forEach(
                (key, value) -> {
                    if (value instanceof Map<?, ?> section
                            && into.get(key) instanceof Map<?, ?> present) {
                        merge((Map<String, Object>) present, (Map<String, Object>) section);
                    } else {
                        into.put(key, value);
                    }
                });
    }

    private void grant(MatchResult command) {
        String prefix = command.group(4);
        broker.orElseThrow()
                .allow(
                        command.group(1),
                        prefix == null
                                ? ResourceType.CLUSTER
                                : ResourceType.fromString(command.group(3).replace('-', '_')),
                        prefix == null ? "" : prefix,
                        Arrays.stream(command.group(2).strip().split(" ?--operation "))
                                .filter(name -> !name.isEmpty())
                                .map(name -> name.replaceAll("(?<=[a-z])(?=[A-Z])", "_"))
                                .map(AclOperation::fromString)
                                .toList());
    }

    /// The commands of Kafka start a JVM for each call.
    private void shell(String command) {
        Matcher privileges = PRIVILEGES.matcher(command);
        if (privileges.matches()) {
            grant(privileges.toMatchResult());
            return;
        }
        Matcher setting = TOPIC_SETTING.matcher(command);
        Matcher deletion = TOPIC_DELETION.matcher(command);
        try {
            if (setting.matches()) {
                try (Admin admin = Admin.create(Map.of("bootstrap.servers", setting.group(1)))) {
                    admin.incrementalAlterConfigs(
                                    Map.of(
                                            new ConfigResource(
                                                    ConfigResource.Type.TOPIC, setting.group(2)),
                                            List.of(
                                                    new AlterConfigOp(
                                                            new ConfigEntry(
                                                                    setting.group(3),
                                                                    setting.group(4)),
                                                            AlterConfigOp.OpType.SET))))
                            .all()
                            .get();
                }
            } else {
                assertThat(deletion.matches()).as(command).isTrue();
                try (Admin admin = Admin.create(Map.of("bootstrap.servers", deletion.group(1)))) {
                    admin.deleteTopics(List.of(deletion.group(2))).all().get();
                }
            }
        } catch (Exception e) {
            throw new IllegalStateException(command, e);
        }
    }
}
