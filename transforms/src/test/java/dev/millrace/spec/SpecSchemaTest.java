package dev.millrace.spec;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.millrace.spec.scalar.Durations;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.setting.Setting;
import dev.millrace.spec.setting.SettingCollector;
import dev.millrace.spec.switchover.Switchover;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class SpecSchemaTest {

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Schema SCHEMA =
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                    .getSchema(SpecSchema.json(), InputFormat.JSON);

    private static final String FULL =
            """
            migration: shop
            source:
              url: jdbc:postgresql://localhost:5432/shop
              username: millrace
              password: ${SOURCE_PASSWORD:x}
              reconcile: {username: reader, password: '${READER_PASSWORD:r}'}
            target:
              url: jdbc:postgresql://localhost:5433/crm
              username: millrace
            kafka:
              bootstrap-servers: localhost:9092
              partitions: 6
              retention: 7d
              properties: {security.protocol: SSL}
            data-dir: ./millrace-data
            tables:
              crm.customer: SELECT id FROM public.users
              crm.order: {select: SELECT id FROM public.orders, key: [id]}
              public.*: SELECT * FROM public.*
            debezium: {max.batch.size: 10, foo.bar: true}
            backfill: engine
            switchover:
              fence: external
              verdict-max-age: 1h
              lag-below: 2s
              timeout: 20s
              reverse-window: 3d
              route:
              - flag: {side: target, table: public.f, column: c, where: {a: 1}, old: x, new: y}
              - sql: {side: source, switch: SELECT 1, rollback: SELECT 2}
              - exec: {switch: [./route, 1], rollback: [./route], timeout: 11s}
              - webhook: {url: 'https://a/b', token: '${TOKEN:t}', timeout: 6s}
              - pgbouncer: {admin: 'h:6432', username: u, password: p,
                  database: shop, config: d.ini, old: host=a, new: host=b}
            queries:
            - {name: one, old: SELECT $1::int, new: SELECT $1::int, parameters: SELECT 1, role: r}
            - {name: t.w-o, old: SELECT 1, new: SELECT 1}
            reconcile:
              schedule: 24h
              incremental: 5m
              max-load: 0.25
              chunk-time: 200ms
              parallel: 2
              statement-timeout: 10m
              foreign-writes: ignore
            wal-budget: 20GB
            api: {certificate: tls.crt, key: tls.key}
            access:
              approvals: 2
              tokens:
              - {name: ann, role: approver, subject: '4711', hash: 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}
              oidc: {issuer: https://id.example, audience: millrace, role-claim: a.b}
            stop-when:
            - {metric: target.commit.p95, above: 200ms, for: 30s, then: pause}
            - {sql: SELECT 1, on: source, name: jobs, above: 5, then: block-switchover}
            """;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x=x",
                "partitions: 6=partitions: ${P:6}",
                "retention: 7d=retention: ${R:7d}",
                "retention: 7d=retention: 90m",
                "migration: shop=migration: ${NAME:shop}",
                "backfill: engine=indexes: after-backfill",
                "key: [id]=indexes: after-backfill",
                "key: [id]=schema-change: {attach-partition: pause, detach-partition: apply}",
                "backfill: engine=schema-change: {drop-column: pause}",
                "fence: external=fence: lease",
                "timeout: 20s=timeout: ${T:20s}",
                "lag-below: 2s=lag-below: 1500ms",
                "key: [id]=reverse: [SELECT id FROM crm.t]",
                "debezium: {max.batch.size: 10, foo.bar: true}=debezium: {}",
                "- {name: t.w-o, old: SELECT 1, new: SELECT 1}=- {name: '${Q:two}', old: SELECT 1,"
                        + " new: SELECT 1}",
                "schedule: 24h=schedule: 15 3 * * *",
                "schedule: 24h=schedule: '*/5 0-23/2 1,15 * 0'",
                "schedule: 24h=schedule: ${S:1h}",
                "target.commit.p95, above: 200ms=source.wal-retained, above: 20GB"
            })
    void readerAndSchemaAcceptValidFile(String replacement) {
        String file = replaced(replacement);

        assertThat(SpecTexts.problems(file)).isEmpty();
        assertThat(schemaErrors(file)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "migration: shop=migratoin: shop",
                "migration: shop=migration: Shop",
                "migration: shop=migration: [shop]",
                "partitions: 6=partitions: 0",
                "key: [id]=reverse: SELECT id FROM crm.t",
                "partitions: 6=partitions: six",
                "retention: 7d=retention: 0d",
                "retention: 7d=retention: 7",
                "retention: 7d=retention: 59s",
                "username: millrace=username: {a: b}",
                "jdbc:postgresql=jdbc:mysql",
                "reconcile: {username: reader, password: '${READER_PASSWORD:r}'}=reconcile: reader",
                "username: reader, =",
                "username: reader=url: x, username: reader",
                "password: ${SOURCE_PASSWORD:x}=passwort: x",
                "password: ${SOURCE_PASSWORD:x}={password: x, password-file: y}",
                "key: [id]=key: id",
                "key: [id]=keys: [id]",
                "select: SELECT id FROM public.orders=a: b",
                "SELECT id FROM public.users=[SELECT id FROM public.users]",
                "debezium: {max.batch.size: 10, foo.bar: true}=debezium: [a]",
                "backfill: engine=backfill: both",
                "wal-budget: 20GB=wal-budget: 20",
                "approvals: 2=approvals: 3",
                "certificate: tls.crt, =",
                "name: ann=name: Ann",
                "role: approver=role: admin",
                "hash: 'sha256:0=hash: '0",
                "name: ann, role=role",
                "audience: millrace, =",
                "target.commit.p95=target.load",
                "for: 30s=for: long",
                "then: pause=then: stop",
                "sql: SELECT 1=sql: SELECT 1, metric: target.lock-waits",
                "on: source=on: broker",
                "sql: SELECT 1=http: 'http://localhost', sql: SELECT 1",
                "schedule: 24h=schedule: daily",
                "schedule: 24h=schedule: 15 3 * *",
                "schedule: 24h=every: 24h",
                "foreign-writes: ignore=foreign-writes: never",
                "incremental: 5m=incremental: often",
                "parallel: 2=parallel: 5",
                "chunk-time: 200ms=chunk-time: 0.2",
                "statement-timeout: 10m=statement-timeout: never",
                "backfill: engine=schema-change: {drop-table: pause}",
                "key: [id]=schema-change: pause",
                "backfill: engine=indexes: drop",
                "key: [id]=indexes: drop",
                "data-dir: ./millrace-data=data_dir: x",
                "fence: external=fence: none",
                "lag-below: 2s=lag-below: 2",
                "side: target=side: left",
                "old: x, new: y=old: x",
                "switch: SELECT 1=forward: SELECT 1",
                "rollback: [./route]=rollback: []",
                "rollback: [./route]=rollback: ./route",
                "timeout: 11s=timeout: 0s",
                "token: '${TOKEN:t}'=token: t, token-file: t",
                "- sql:=  sql:",
                "name: one=title: one",
                "name: t.w-o=name: two words",
                "parameters: SELECT 1=parameters: [SELECT 1]",
                "- {name: t.w-o, old: SELECT 1, new: SELECT 1}=- {name: two, old: SELECT 1}",
                "- {name: t.w-o, old: SELECT 1, new: SELECT 1}=- SELECT 1",
                "{side: source, switch: SELECT 1, rollback: SELECT 2}=[]",
                "sql: {side: source, switch: SELECT 1, rollback: SELECT 2}={}",
                "- flag: {side: target, table: public.f, column: c, where: {a: 1}, old: x, new:"
                        + " y}=- x"
            })
    void readerAndSchemaRefuseInvalidFile(String replacement) {
        String file = replaced(replacement);

        assertThat(SpecTexts.problems(file)).isNotEmpty();
        assertThat(schemaErrors(file)).isNotEmpty();
    }

    @Test
    void schemaDescribesExactlyTheKeysOfTheBinder() {
        JsonNode schema = JSON.readTree(SpecSchema.json());

        assertThat(keysOfSchema(schema, "")).isEqualTo(keysOfRecords(SpecForm.class, ""));
        assertThat(keysOfSchema(schema, ""))
                .contains(
                        "source.password-file",
                        "target.reconcile.password-file",
                        "kafka.partitions",
                        "tables.*.key",
                        "debezium",
                        "switchover.route.[].sql.switch",
                        "switchover.route.[].pgbouncer.new",
                        "queries.[].new",
                        "stop-when.[].for");
    }

    @Test
    void binderAcceptsExactlyTheKeysOfTheSchema() {
        JsonNode schema = JSON.readTree(SpecSchema.json());

        for (String key : keysOfSchema(schema, "")) {
            String[] parts = key.split("\\.");
            String file = nested(parts, "[[x]]");
            assertThat(SpecTexts.problems(file)).noneMatch(p -> p.contains("unknown key"));
            parts[parts.length - 1] += "x";
            assertThat(SpecTexts.problems(nested(parts, "[[x]]")))
                    .anyMatch(p -> p.contains("unknown key"));
        }
    }

    @Test
    void schemaContainsDefaults() {
        JsonNode properties = JSON.readTree(SpecSchema.json()).get("properties");

        assertThat(properties.at("/kafka/properties/partitions/default").asInt())
                .isEqualTo(MigrationSpec.Kafka.DEFAULT_PARTITIONS);
        assertThat(properties.at("/data-dir/default").asString()).isEqualTo(SpecForm.DATA_DIR);
        JsonNode switchover = properties.at("/switchover/properties");
        assertThat(List.of("verdict-max-age", "lag-below", "timeout", "reverse-window"))
                .extracting(key -> Durations.parse(switchover.get(key).get("default").asString()))
                .containsExactly(
                        Switchover.DEFAULT.verdictMaxAge(),
                        Switchover.DEFAULT.lagBelow(),
                        Switchover.DEFAULT.timeout(),
                        Switchover.DEFAULT.reverseWindow());
    }

    private static String replaced(String replacement) {
        String[] sides = replacement.split("=", 2);
        String by = sides[1];
        if (by.startsWith("{password:")) {
            by = "password: x\n  password-file: y";
        }
        String file = FULL.replace(sides[0], by);
        assertThat(file.equals(FULL)).isEqualTo(replacement.equals("x=x"));
        return file;
    }

    private static String nested(String[] parts, String value) {
        StringBuilder file = new StringBuilder();
        for (int i = 0; i < parts.length; i++) {
            file.append("  ".repeat(i))
                    .append(parts[i].equals("[]") ? "-" : parts[i].replace("*", "a.b") + ":")
                    .append(i < parts.length - 1 ? "\n" : " ");
        }
        return file.append(value).append("\n").toString();
    }

    private static List<String> schemaErrors(String file) {
        Object tree = new Load(LoadSettings.builder().build()).loadFromString(file);
        return SCHEMA.validate(JSON.writeValueAsString(tree), InputFormat.JSON).stream()
                .map(Object::toString)
                .toList();
    }

    private static TreeSet<String> keysOfSchema(JsonNode schema, String path) {
        TreeSet<String> keys = new TreeSet<>();
        for (JsonNode either : schema.path("anyOf")) {
            keys.addAll(keysOfSchema(either, path));
        }
        if (schema.has("items")) {
            keys.addAll(keysOfSchema(schema.get("items"), path + "[]."));
        }
        for (Map.Entry<String, JsonNode> property : schema.path("properties").properties()) {
            keys.add(path + property.getKey());
            keys.addAll(keysOfSchema(property.getValue(), path + property.getKey() + "."));
        }
        if (schema.path("additionalProperties").isObject()) {
            keys.addAll(keysOfSchema(schema.get("additionalProperties"), path + "*."));
        } else if (schema.has("properties")) {
            assertThat(schema.path("additionalProperties").asBoolean(true)).as(path).isFalse();
        }
        return keys;
    }

    private static TreeSet<String> keysOfRecords(Class<?> form, String path) {
        TreeSet<String> keys = new TreeSet<>();
        for (RecordComponent component : form.getRecordComponents()) {
            Setting setting = component.getAnnotation(Setting.class);
            String key = path + SettingCollector.key(component.getName(), setting);
            keys.add(key);
            List<Type> inside = new ArrayList<>(List.of(component.getGenericType()));
            String below = key + ".";
            if (component.getGenericType() instanceof ParameterizedType generic
                    && generic.getRawType() == Map.class) {
                inside = List.of(generic.getActualTypeArguments()[1]);
                below = key + ".*.";
            } else if (component.getGenericType() instanceof ParameterizedType list) {
                inside = List.of(list.getActualTypeArguments());
                below = key + ".[].";
            }
            for (Type type : inside) {
                if (type instanceof Class<?> nested
                        && nested.isRecord()
                        && nested != Scalar.class) {
                    keys.addAll(keysOfRecords(nested, below));
                }
            }
        }
        return keys;
    }
}
