package dev.millrace.spec;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// `millrace.yaml` as it is written: the records that bind the file and from which its JSON Schema
/// is generated, so that the two can't differ. A component is null when its key is absent or was
/// refused.
@SpecForm.NotYetSupported({"reverse"})
record SpecForm(
        @Setting(
                        value =
                                "The migration's name. It names the replication slot, the"
                                        + " publication, the topics, the consumer groups and the"
                                        + " control rows.",
                        required = true,
                        pattern = SpecForm.MIGRATION,
                        examples = "shop")
                @Nullable Scalar migration,
        @Setting(
                        value = "The database that is migrated from; read, never changed.",
                        required = true,
                        kind = "a mapping with url, username and password")
                @Nullable EndpointForm source,
        @Setting(
                        value = "The database that is migrated to.",
                        required = true,
                        kind = "a mapping with url, username and password")
                @Nullable EndpointForm target,
        @Setting(
                        value =
                                "Where the log is kept. Left out, an embedded single-node broker"
                                        + " keeps it under data-dir.",
                        kind = "a mapping with bootstrap-servers and partitions")
                @Nullable KafkaForm kafka,
        @Setting(
                        value =
                                "Where the embedded broker keeps its log and the topologies their"
                                        + " state. A relative path starts at the folder of this"
                                        + " file, here and in every other key.",
                        standard = SpecForm.DATA_DIR,
                        examples = "/var/lib/millrace")
                @Nullable Scalar dataDir,
        @Setting(
                        value =
                                "Each target table (schema.table) declared as a SELECT over the"
                                        + " source; `a.*: SELECT * FROM b.*` moves every other"
                                        + " table of a schema as it is.",
                        required = true,
                        kind = "a mapping from target table to SELECT")
                @Nullable Map<Scalar, TableForm> tables,
        @Setting(
                        value =
                                "Properties of Debezium's PostgreSQL connector, passed through. The"
                                        + " ones Millrace owns are refused.",
                        kind = "a mapping from property to value")
                @Nullable Map<Scalar, Scalar> debezium) {

    static final String MIGRATION = "[a-z][a-z0-9_]{0,30}";
    static final String DATA_DIR = "./millrace-data";
    static final String URL = "jdbc:postgresql://.+";
    static final int MOST_PARTITIONS = 1024;

    @AtMostOne({"password", "password-file"})
    record EndpointForm(
            @Setting(
                            value =
                                    "The JDBC address, without credentials:"
                                            + " jdbc:postgresql://host:port/database.",
                            required = true,
                            pattern = SpecForm.URL,
                            examples = "jdbc:postgresql://localhost:5432/shop")
                    @Nullable Scalar url,
            @Setting(value = "The role to connect as.", required = true, examples = "millrace")
                    @Nullable Scalar username,
            @Setting(
                            value =
                                    "The role's password, best from the environment. Give this or"
                                            + " password-file, or neither.",
                            examples = "${SOURCE_PASSWORD}")
                    @Nullable Scalar password,
            @Setting(
                            value =
                                    "A file that holds the password, such as a mounted secret; a"
                                            + " newline at its end doesn't count.",
                            examples = "/run/secrets/source-password")
                    @Nullable Scalar passwordFile) {}

    record KafkaForm(
            @Setting(
                            value =
                                    "Brokers to reach the cluster by, host:port with commas between"
                                            + " them. Left out, the broker is embedded.",
                            examples = "localhost:9092")
                    @Nullable Scalar bootstrapServers,
            @Setting(
                            value =
                                    "Partitions of the changes and target topics; fixed when the"
                                            + " topics are made.",
                            range = {1, SpecForm.MOST_PARTITIONS},
                            standard = "4",
                            kind = "a number",
                            examples = "6")
                    @Nullable Scalar partitions,
            @Setting(
                            value =
                                    "How the clients reach an external cluster: security.*, sasl.*"
                                            + " and ssl.* properties.",
                            kind = "a mapping from property to value")
                    @Nullable Map<Scalar, Scalar> properties) {}

    @ShortForm("select")
    @NotYetSupported(
            value = {"transformer", "reverse"},
            list = "several SELECTs into one table (a merge)")
    record TableForm(
            @Setting(
                            value = "The SELECT over the source that makes the target's rows.",
                            required = true,
                            examples = "SELECT id, user_name AS full_name FROM public.users")
                    @Nullable Scalar select,
            @Setting(
                            value =
                                    "Columns of the target key, when it isn't the target's primary"
                                            + " key; the SELECT supplies them.",
                            kind = "a list of column names",
                            examples = {"region", "id"})
                    @Nullable List<Scalar> key) {}

    /// Keys of a record of the file of which one at most may be given.
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.TYPE)
    @interface AtMostOne {

        String[] value();
    }

    /// Keys of a record of the file that are known but not built yet: refused by name.
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.TYPE)
    @interface NotYetSupported {

        String[] value() default {};

        /// What a list in place of the record would mean; empty when a list means nothing.
        String list() default "";
    }

    /// A record of the file that may also be written as the value of one of its components alone.
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.TYPE)
    @interface ShortForm {

        String value();
    }

    /// What the schema says of a key, on the record component that binds it. The key is the
    /// component's name with hyphens.
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.FIELD, ElementType.RECORD_COMPONENT})
    @interface Setting {

        String value();

        boolean required() default false;

        /// What the text must match; empty for any.
        String pattern() default "";

        /// The least and the greatest number, for a key that is one.
        int[] range() default {};

        String standard() default "";

        String[] examples() default {};

        /// The kind of value, for messages: "a mapping", "a list of column names".
        String kind() default "text";
    }
}
