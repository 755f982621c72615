package offerstream.bench;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** The state pipeline on the Processor API: JSON events and rows, a cached RocksDB store. */
public final class StatePipeline {
  private static final String[] CATEGORIES = {
    "coffee", "bakery", "dairy", "fruit", "wine", "pet", "baby", "garden"
  };

  /** What was looked at. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public static final class Page {
    @JsonProperty("dwell_ms") public long dwellMs;
  }

  /** The product that was looked at. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public static final class Product {
    @JsonProperty("product_id") public String productId;
    @JsonProperty("category") public String category;
    @JsonProperty("price") public double price;
  }

  /** The part of an event that the pipeline reads. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public static final class View {
    @JsonProperty("event_id") public String eventId;
    @JsonProperty("occurred_at") public String occurredAt;
    @JsonProperty("customer_id") public String customerId;
    @JsonProperty("asks") public boolean asks;
    @JsonProperty("page") public Page page;
    @JsonProperty("product") public Product product;
  }

  /** Eighteen fields, at their full size from the first event on. */
  public static final class Row {
    @JsonProperty("first_at") public String firstAt;
    @JsonProperty("last_at") public String lastAt;
    @JsonProperty("views") public int views;
    @JsonProperty("day") public double day;
    @JsonProperty("week") public double week;
    @JsonProperty("month") public double month;
    @JsonProperty("session_started_at") public String sessionStartedAt;
    @JsonProperty("session_views") public int sessionViews;
    @JsonProperty("session_dwell_ms") public long sessionDwellMs;
    @JsonProperty("dwell_ms") public long dwellMs;
    @JsonProperty("last_product") public String lastProduct;
    @JsonProperty("last_category") public String lastCategory;
    @JsonProperty("last_price") public double lastPrice;
    @JsonProperty("price_sum") public double priceSum;
    @JsonProperty("price_max") public double priceMax;
    @JsonProperty("categories") public Map<String, Double> categories;
    @JsonProperty("recent_products") public List<String> recentProducts;
    @JsonProperty("recent_events") public List<String> recentEvents;
  }

  /** What is said where an event asks. */
  public static final class Answer {
    @JsonProperty("customer_id") public String customerId;
    @JsonProperty("event_id") public String eventId;
    @JsonProperty("views") public int views;
    @JsonProperty("price_sum") public double priceSum;
  }

  static final class Update implements Processor<String, View, String, Answer> {
    private ProcessorContext<String, Answer> context;
    private KeyValueStore<String, Row> rows;

    @Override
    public void init(ProcessorContext<String, Answer> context) {
      this.context = context;
      this.rows = context.getStateStore("customers");
    }

    @Override
    public void process(Record<String, View> record) {
      View view = record.value();
      Row row = rows.get(view.customerId);
      if (row == null) {
        row = newRow(view);
      }
      viewed(row, view);
      rows.put(view.customerId, row);
      if (view.asks) {
        Answer answer = new Answer();
        answer.customerId = view.customerId;
        answer.eventId = view.eventId;
        answer.views = row.views;
        answer.priceSum = Math.round(row.priceSum * 100) / 100.0;
        context.forward(new Record<>(view.customerId, answer, record.timestamp()));
      }
    }
  }

  static Row newRow(View view) {
    Row row = new Row();
    row.firstAt = view.occurredAt;
    row.sessionStartedAt = view.occurredAt;
    row.categories = new LinkedHashMap<>();
    for (String category : CATEGORIES) {
      row.categories.put(category, 0.0);
    }
    row.recentProducts = new ArrayList<>(Collections.nCopies(8, "p0000"));
    row.recentEvents = new ArrayList<>(Collections.nCopies(32, "e000000000"));
    return row;
  }

  static void viewed(Row row, View view) {
    Product product = view.product;
    int count = row.views;
    row.lastAt = view.occurredAt;
    row.views = count + 1;
    row.day = row.day * 0.9 + 1.0;
    row.week = row.week * 0.99 + 1.0;
    row.month = row.month * 0.999 + 1.0;
    row.sessionViews += 1;
    row.sessionDwellMs += view.page.dwellMs;
    row.dwellMs += view.page.dwellMs;
    row.lastProduct = product.productId;
    row.lastCategory = product.category;
    row.lastPrice = product.price;
    row.priceSum += product.price;
    row.priceMax = Math.max(row.priceMax, product.price);
    row.categories.merge(product.category, 1.0, (now, one) -> now * 0.99 + one);
    row.recentProducts.set(count % 8, product.productId);
    row.recentEvents.set(count % 32, view.eventId);
  }

  static <T> Serde<T> json(Class<T> type) {
    ObjectMapper mapper = new ObjectMapper();
    ObjectReader reader = mapper.readerFor(type);
    ObjectWriter writer = mapper.writerFor(type);
    return Serdes.serdeFrom(
        (topic, value) -> {
          try {
            return value == null ? null : writer.writeValueAsBytes(value);
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        },
        (topic, data) -> {
          try {
            return data == null ? null : reader.readValue(data);
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        });
  }

  static Topology topology(String source, String output) {
    Serde<Answer> answers = json(Answer.class);
    Serde<String> keys = Serdes.String();
    Topology topology = new Topology();
    topology.addSource("views", keys.deserializer(), json(View.class).deserializer(), source);
    topology.addProcessor("update", Update::new, "views");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore("customers"), keys, json(Row.class))
            .withCachingEnabled()
            .withLoggingEnabled(Map.of()),
        "update");
    topology.addSink("answers", output, keys.serializer(), answers.serializer(), "update");
    return topology;
  }

  /** Arguments: bootstrap, data folder, application id, input, output, commit interval in ms. */
  public static void main(String[] args) {
    Properties config = new Properties();
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    config.put(StreamsConfig.STATE_DIR_CONFIG, args[1]);
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, args[2]);
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, args[5]);
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
    config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    config.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    config.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    config.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 1_000_000);
    config.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 20);
    KafkaStreams streams = new KafkaStreams(topology(args[3], args[4]), config);
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }
}
