package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.joran.spi.JoranException;
import ch.qos.logback.core.read.ListAppender;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.common.errors.KafkaStorageException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.streams.errors.StreamsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.event.KeyValuePair;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class LoggingTest {

    private final LoggerContext context = new LoggerContext();

    @AfterEach
    void stop() {
        context.stop();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "org.apache.kafka.clients.producer.ProducerConfig",
                "org.apache.kafka.common.config.AbstractConfig",
                "io.debezium.connector.postgresql.PostgresConnectorTask",
                "io.debezium.embedded.EmbeddedWorkerConfig",
                "com.zaxxer.hikari.HikariConfig",
                "org.springframework.core.env"
            })
    void loggersThatPrintConfigurationAreOffAtInfo(String logger) throws Exception {
        configure("text");

        assertThat(context.getLogger(logger).getEffectiveLevel()).isEqualTo(Level.WARN);
    }

    @Test
    void ownMessagesGoToStandardError() throws Exception {
        ConsoleAppender<ILoggingEvent> console = configure("text");

        assertThat(context.getLogger("dev.millrace.apply").getEffectiveLevel())
                .isEqualTo(Level.INFO);
        assertThat(console.getTarget()).isEqualTo("System.err");
        assertThat(console.getEncoder()).isNotInstanceOf(EcsEncoder.class);
    }

    @Test
    void logCanBeRedirectedToAFile(@TempDir Path folder) throws Exception {
        configure("text");
        context.setMDCAdapter(new LogbackMDCAdapter());
        Path file = folder.resolve("millrace.log");

        new LogToFile(context).open(file);
        context.getLogger("dev.millrace.apply").atWarn().addKeyValue("step", 7).log("a message");

        assertThat(Files.readString(file)).contains("WARN", "a message", "step=\"7\"");
        assertThat(context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).iteratorForAppenders())
                .toIterable()
                .extracting(appender -> appender.getName())
                .containsExactly("FILE");
    }

    @Test
    void dropsResentBatchErrorsAndKeepsOtherBrokerErrors() throws Exception {
        configure("text");
        ListAppender<ILoggingEvent> heard = new ListAppender<>();
        heard.start();
        context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).addAppender(heard);
        Logger broker = context.getLogger("kafka.server.ReplicaManager");

        broker.error("append failed", new OutOfOrderSequenceException("sent again"));
        broker.error("append failed", new KafkaStorageException("the disk is full"));
        broker.error("append failed");
        context.getLogger("dev.millrace.capture")
                .error("capture failed", new OutOfOrderSequenceException("of our own"));

        assertThat(heard.list)
                .extracting(
                        event ->
                                event.getThrowableProxy() == null
                                        ? event.getMessage()
                                        : event.getThrowableProxy().getMessage())
                .containsExactly("the disk is full", "append failed", "of our own");
    }

    @ParameterizedTest
    @ValueSource(strings = {"text", "json"})
    void logsForeignExceptionsWithFramesAndWithoutTextThatMayQuoteARow(String format)
            throws Exception {
        ConsoleAppender<ILoggingEvent> console = configure(format);
        Throwable fault =
                new StreamsException(
                        "caught: 4711-somebody",
                        new NumberFormatException("For input string: 4711-somebody"));
        LoggingEvent event =
                new LoggingEvent(
                        "",
                        context.getLogger("org.apache.kafka.streams.KafkaStreams"),
                        Level.ERROR,
                        "it failed",
                        fault,
                        null);
        event.setMDCPropertyMap(Map.of());

        String line = new String(console.getEncoder().encode(event), StandardCharsets.UTF_8);

        assertThat(line)
                .contains("it failed", "StreamsException", "NumberFormatException", "LoggingTest")
                .doesNotContain("somebody");
    }

    @Test
    void writesOneLineOfJsonPerEvent() throws Exception {
        ConsoleAppender<ILoggingEvent> console = configure("json");
        Logger logger = context.getLogger("dev.millrace.apply");
        LoggingEvent event =
                new LoggingEvent(
                        "", logger, Level.WARN, "a line\nand \"one\" more", new Throwable(), null);
        event.addKeyValuePair(new KeyValuePair("partition", 3));

        String line = new String(console.getEncoder().encode(event), StandardCharsets.UTF_8);

        assertThat(console.getTarget()).isEqualTo("System.err");
        assertThat(line.strip().lines()).hasSize(1);
        assertThat(line).endsWith("\n");
        JsonNode json = JsonMapper.shared().readTree(line);
        assertThat(json.path("log").path("level").asString()).isEqualTo("WARN");
        assertThat(json.path("message").asString()).isEqualTo("a line\nand \"one\" more");
        assertThat(json.path("millrace").path("partition").asString()).isEqualTo("3");
        assertThat(json.path("error").path("stack_trace").asString()).contains("LoggingTest");
    }

    private ConsoleAppender<ILoggingEvent> configure(String format) throws JoranException {
        context.putProperty("MILLRACE_LOG", format);
        JoranConfigurator configurator = new JoranConfigurator();
        configurator.setContext(context);
        configurator.doConfigure(EcsEncoder.class.getResource("/logback.xml"));
        return (ConsoleAppender<ILoggingEvent>)
                context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).getAppender("CONSOLE");
    }
}
