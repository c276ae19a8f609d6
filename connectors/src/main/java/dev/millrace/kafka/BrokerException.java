package dev.millrace.kafka;

/// Kafka refused or did not answer. The message says what was asked.
public final class BrokerException extends RuntimeException {

    public BrokerException(String message) {
        super(message);
    }

    public BrokerException(String message, Throwable cause) {
        super(message, cause);
    }
}
