package dev.millrace;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.syntax.elements.GivenClassesConjunction;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The walls between packages. Each wall has a trespasser, a test class that breaks it on purpose,
/// so that a rule which reports nothing is known to check something.
class ArchitectureTest {

    private static final JavaClasses PRODUCT =
            new ClassFileImporter()
                    .withImportOption(new ImportOption.DoNotIncludeTests())
                    .withImportOption(location -> !location.contains("-tests.jar"))
                    .importPackages("dev.millrace");

    private static final JavaClasses TRESPASSERS =
            new ClassFileImporter()
                    .withImportOption(location -> location.contains("trespass"))
                    .importPackages("dev.millrace");

    private static final String[] TRANSFORMS =
            packages("change", "problem", "sql", "expression", "mapping", "spec", "topology");

    private static final String[] CONNECTORS =
            packages(
                    "postgres",
                    "kafka",
                    "certificate",
                    "trace",
                    "lifecycle",
                    "control",
                    "capture",
                    "backfill",
                    "indexes",
                    "sequences",
                    "fence",
                    "mappings",
                    "apply",
                    "digest",
                    "grants",
                    "sandbox",
                    "tls");

    private static final String[] PIPELINE =
            packages(
                    "approval",
                    "preflight",
                    "journal",
                    "flow",
                    "lag",
                    "reconcile",
                    "retention",
                    "rebackfill",
                    "rejected",
                    "repair",
                    "replication",
                    "rollback",
                    "usage",
                    "verdict",
                    "switchover",
                    "migration",
                    "parity",
                    "preview",
                    "reads",
                    "ending",
                    "route",
                    "stream",
                    "http",
                    "console",
                    "app",
                    "cli",
                    "demo",
                    "doctor",
                    "runbook",
                    "bench");

    /// @param trespasser the class that the rule must report
    private record Wall(String name, ArchRule rule, String trespasser) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Stream<Wall> walls() {
        return Stream.of(librariesWalls(), packagesWalls(), behaviourWalls()).flatMap(List::stream);
    }

    private static List<Wall> librariesWalls() {
        return List.of(
                new Wall(
                        "Spring only in http, console and app",
                        outside("http", "console", "app")
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage("org.springframework..", "io.micrometer.."),
                        "SpringOutsideItsPackages"),
                new Wall(
                        "Debezium and Kafka Connect only in capture",
                        outside("capture")
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage("io.debezium..", "org.apache.kafka.connect.."),
                        "UsesDebezium"),
                new Wall(
                        "Jackson 2 only for Kafka Connect",
                        outside("capture")
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage(
                                        "com.fasterxml.jackson.databind..",
                                        "com.fasterxml.jackson.core.."),
                        "UsesJackson2"),
                new Wall(
                        "Kafka Streams only in topology and mappings",
                        outside("topology", "mappings")
                                .should()
                                .dependOnClassesThat()
                                .resideInAPackage("org.apache.kafka.streams.."),
                        "UsesKafkaStreams"),
                new Wall(
                        "Kafka clients only in named packages; lifecycle classifies exceptions",
                        outside("kafka", "capture", "mappings", "apply")
                                .should()
                                .dependOnClassesThat(
                                        resideInAnyPackage("org.apache.kafka.clients..")
                                                .and(isNoException())),
                        "OpensAConsumer"),
                new Wall(
                        "JDBC only in named packages; its exceptions pass through",
                        outside(
                                        "postgres",
                                        "control",
                                        "capture",
                                        "backfill",
                                        "indexes",
                                        "sequences",
                                        "fence",
                                        "apply",
                                        "digest",
                                        "route",
                                        "switchover",
                                        "sandbox",
                                        "demo",
                                        "bench")
                                .should()
                                .dependOnClassesThat(
                                        resideInAnyPackage(
                                                        "java.sql..",
                                                        "javax.sql..",
                                                        "org.postgresql..")
                                                .and(isNoException())),
                        "UsesAConnection"),
                new Wall(
                        "sessions are opened in one place, so that all have the pinned settings",
                        outside("sandbox")
                                .and()
                                .doNotHaveFullyQualifiedName("dev.millrace.postgres.SessionFactory")
                                .and()
                                .doNotHaveFullyQualifiedName(
                                        "dev.millrace.bench.contestant.CopyPipeProcess")
                                .should()
                                .dependOnClassesThat()
                                .haveFullyQualifiedName("org.postgresql.Driver")
                                .orShould()
                                .dependOnClassesThat()
                                .haveFullyQualifiedName("java.sql.DriverManager"),
                        "OpensASession"));
    }

    private static List<Wall> packagesWalls() {
        return List.of(
                new Wall(
                        "transforms use no database and no connector",
                        inside(TRANSFORMS)
                                .should()
                                .dependOnClassesThat()
                                .resideInAPackage("java.sql..")
                                .orShould()
                                .dependOnClassesThat()
                                .resideInAnyPackage(CONNECTORS),
                        "UsesAConnection"),
                new Wall(
                        "transforms have no thread and no clock",
                        inside(TRANSFORMS)
                                .should()
                                .dependOnClassesThat(
                                        assignableToAny(
                                                Thread.class,
                                                Executor.class,
                                                Future.class,
                                                Lock.class,
                                                InstantSource.class))
                                .orShould()
                                .accessTargetWhere(
                                        readsTheClock().or(calls("nanoTime", System.class))),
                        "StartsAThread"),
                new Wall(
                        "connectors do not use the service",
                        inside(CONNECTORS)
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage(PIPELINE),
                        "UsesTheService"),
                new Wall(
                        "capture does not use apply",
                        inside(packages("capture"))
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage(packages("apply")),
                        "CaptureUsesApply"),
                new Wall(
                        "apply does not use capture",
                        inside(packages("apply"))
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage(packages("capture")),
                        "ApplyUsesCapture"),
                new Wall(
                        "reconcile uses neither migration nor switchover",
                        inside(packages("reconcile"))
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage(packages("switchover", "migration")),
                        "ReconcileUsesMigration"),
                new Wall(
                        "switchover does not use reconcile",
                        inside(packages("switchover"))
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage(packages("reconcile"))
                                .allowEmptyShould(true),
                        "SwitchoverUsesReconcile"),
                new Wall(
                        "packages have no cycles",
                        slices().matching("dev.millrace.(*)..").should().beFreeOfCycles(),
                        "ApplyUsesCapture"));
    }

    private static List<Wall> behaviourWalls() {
        return List.of(
                new Wall(
                        "time is injected",
                        outside("app", "http", "cli", "demo")
                                .should()
                                .accessTargetWhere(readsTheClock()),
                        "ReadsTheClock"),
                new Wall(
                        "no fixed sleep",
                        noClasses()
                                .should()
                                .accessTargetWhere(
                                        calls("sleep", Thread.class)
                                                .or(calls("sleep", TimeUnit.class))
                                                .as("a fixed sleep")),
                        "Sleeps"),
                new Wall(
                        "the environment is read in app and cli; the sandbox finds programs in"
                                + " PATH",
                        outside("app", "cli")
                                .and()
                                .doNotHaveFullyQualifiedName("dev.millrace.sandbox.ProcessTable")
                                .should()
                                .accessTargetWhere(calls("getenv", System.class)),
                        "ReadsTheEnvironment"),
                new Wall(
                        "the JVM's time zone is set by main alone",
                        outside("app")
                                .should()
                                .accessTargetWhere(calls("setDefault", java.util.TimeZone.class)),
                        "SetsTheTimeZone"),
                new Wall(
                        "lifecycle decides what of a foreign message is shown, since it may quote a"
                                + " row",
                        outside("lifecycle", "spec")
                                .and(
                                        DescribedPredicate.not(
                                                nameMatching(READ_MESSAGES_WITHOUT_ROWS)))
                                .should()
                                .accessTargetWhere(readsAForeignMessage()),
                        "QuotesAnException"),
                new Wall(
                        "names say what a type is",
                        classes()
                                .should()
                                .haveNameNotMatching(
                                        ".*\\.(.*(Util|Utils|Helper|Manager|Impl|Dto)|(Abstract|Base)[A-Z].*)"),
                        "RowManager"),
                new Wall(
                        "no package for the rest",
                        noClasses()
                                .should()
                                .resideInAnyPackage(
                                        "..util..", "..utils..", "..common..", "..misc.."),
                        "LeftOver"));
    }

    /// They read messages that cannot quote a row: the server's about the catalog and a login,
    /// Kafka's about its own objects, the parsers' about the user's file and command line.
    private static final String READ_MESSAGES_WITHOUT_ROWS =
            "dev\\.millrace\\.(postgres\\.Database(\\$DatabaseFailure)?"
                    + "|kafka\\.Broker|tls\\.TlsFailure|cli\\.Millrace|demo\\.DemoScript)";

    @ParameterizedTest
    @MethodSource("walls")
    void theProductKeepsEveryWall(Wall wall) {
        wall.rule().check(PRODUCT);
    }

    @ParameterizedTest
    @MethodSource("walls")
    void everyWallReportsItsTrespasser(Wall wall) {
        assertThat(
                        String.join(
                                "\n",
                                wall.rule().evaluate(TRESPASSERS).getFailureReport().getDetails()))
                .contains(wall.trespasser());
    }

    @Test
    void everyPackageIsChecked() {
        assertThat(PRODUCT.stream().map(JavaClass::getPackageName))
                .containsAll(
                        Stream.of(TRANSFORMS, CONNECTORS, PIPELINE)
                                .flatMap(Stream::of)
                                .map(name -> name.substring(0, name.length() - 2))
                                .toList());
    }

    private static GivenClassesConjunction outside(String... names) {
        return noClasses().that().resideOutsideOfPackages(packages(names));
    }

    private static GivenClassesConjunction inside(String... patterns) {
        return noClasses().that().resideInAnyPackage(patterns);
    }

    private static String[] packages(String... names) {
        return Stream.of(names).map(name -> "dev.millrace." + name + "..").toArray(String[]::new);
    }

    private static DescribedPredicate<JavaClass> isNoException() {
        return DescribedPredicate.not(JavaClass.Predicates.assignableTo(Throwable.class));
    }

    private static DescribedPredicate<JavaClass> assignableToAny(Class<?>... types) {
        return DescribedPredicate.describe(
                "a thread, an executor, a future, a lock or a clock",
                type -> Stream.of(types).anyMatch(type::isAssignableTo));
    }

    private static DescribedPredicate<JavaAccess<?>> readsAForeignMessage() {
        return DescribedPredicate.describe(
                "reads the message of a foreign exception",
                access ->
                        Set.of("getMessage", "getLocalizedMessage").contains(access.getName())
                                && access.getTargetOwner().isAssignableTo(Throwable.class)
                                && !access.getTargetOwner()
                                        .getPackageName()
                                        .startsWith("dev.millrace"));
    }

    private static DescribedPredicate<JavaAccess<?>> readsTheClock() {
        return calls("now", Instant.class)
                .or(calls("currentTimeMillis", System.class))
                .or(calls("system", InstantSource.class))
                .or(calls("system", Clock.class))
                .or(calls("systemUTC", Clock.class))
                .or(calls("systemDefaultZone", Clock.class))
                .or(nowOf(Set.of("LocalDate", "LocalDateTime", "ZonedDateTime", "OffsetDateTime")))
                .as("reads the clock of the machine");
    }

    private static DescribedPredicate<JavaAccess<?>> nowOf(Set<String> types) {
        return DescribedPredicate.describe(
                "now",
                access ->
                        access.getName().equals("now")
                                && types.contains(access.getTargetOwner().getSimpleName()));
    }

    private static DescribedPredicate<JavaAccess<?>> calls(String method, Class<?> owner) {
        return DescribedPredicate.describe(
                owner.getSimpleName() + "." + method,
                access ->
                        access.getName().equals(method)
                                && access.getTargetOwner().isEquivalentTo(owner));
    }
}
