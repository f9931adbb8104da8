// hiredis: commands, bytes, pipelines, nested replies, errors, Pub/Sub.

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition)                                    \
  do {                                                       \
    if (!(condition)) {                                      \
      printf("line %d: not so: %s\n", __LINE__, #condition); \
      exit(1);                                               \
    }                                                        \
  } while (0)

static void Ok(const char* what) { printf("ok %s\n", what); }

static redisContext* Connect(void) {
  const char* url = getenv("SERVER_URL");
  EXPECT(url != NULL && strrchr(url, ':') != NULL);
  redisContext* context = redisConnect("127.0.0.1", atoi(strrchr(url, ':') + 1));
  EXPECT(context != NULL && context->err == 0);
  return context;
}

static void Commands(redisContext* context) {
  redisReply* reply = redisCommand(context, "SET %s %s EX %d", "greeting", "hello there", 100);
  EXPECT(reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OK") == 0);
  freeReplyObject(reply);
  reply = redisCommand(context, "GET greeting");
  EXPECT(reply->type == REDIS_REPLY_STRING && strcmp(reply->str, "hello there") == 0);
  freeReplyObject(reply);
  reply = redisCommand(context, "GET absent");
  EXPECT(reply->type == REDIS_REPLY_NIL);
  freeReplyObject(reply);
  reply = redisCommand(context, "INCRBY n 5");
  EXPECT(reply->type == REDIS_REPLY_INTEGER && reply->integer == 5);
  freeReplyObject(reply);
  reply = redisCommand(context, "INCR greeting");
  EXPECT(reply->type == REDIS_REPLY_ERROR && strcmp(reply->str, "ERR value is not an integer or out of range") == 0);
  freeReplyObject(reply);
  EXPECT(context->err == 0);
  Ok("commands, missing values, errors");
}

static void Bytes(redisContext* context) {
  enum { kSize = 3 * 1024 * 1024 };
  char* bytes = malloc(kSize);
  for (int i = 0; i < kSize; ++i) bytes[i] = (char)(i * 7 % 256);
  redisReply* reply = redisCommand(context, "SET %b %b", "k\0ey", (size_t)4, bytes, (size_t)kSize);
  EXPECT(reply->type == REDIS_REPLY_STATUS);
  freeReplyObject(reply);
  reply = redisCommand(context, "GET %b", "k\0ey", (size_t)4);
  EXPECT(reply->type == REDIS_REPLY_STRING && reply->len == kSize && memcmp(reply->str, bytes, kSize) == 0);
  freeReplyObject(reply);
  free(bytes);
  Ok("three megabytes of any bytes");
}

static void Pipeline(redisContext* context) {
  for (int i = 0; i < 10000; ++i) redisAppendCommand(context, "INCR pipelined");
  for (int i = 0; i < 10000; ++i) {
    redisReply* reply = NULL;
    EXPECT(redisGetReply(context, (void**)&reply) == REDIS_OK);
    EXPECT(reply->type == REDIS_REPLY_INTEGER && reply->integer == i + 1);
    freeReplyObject(reply);
  }
  Ok("a pipeline of 10,000");
}

static void Nested(redisContext* context) {
  redisReply* reply = redisCommand(context, "EVAL %s 0", "return {1, {'two', {3}}, false}");
  EXPECT(reply->type == REDIS_REPLY_ARRAY && reply->elements == 3);
  EXPECT(reply->element[0]->integer == 1 && strcmp(reply->element[1]->element[0]->str, "two") == 0);
  EXPECT(reply->element[1]->element[1]->element[0]->integer == 3 && reply->element[2]->type == REDIS_REPLY_NIL);
  freeReplyObject(reply);
  redisAppendCommand(context, "MULTI");
  redisAppendCommand(context, "RPUSH list a b c");
  redisAppendCommand(context, "LRANGE list 0 -1");
  redisAppendCommand(context, "EXEC");
  for (int i = 0; i < 4; ++i) {
    EXPECT(redisGetReply(context, (void**)&reply) == REDIS_OK);
    if (i == 3) EXPECT(reply->elements == 2 && reply->element[0]->integer == 3 && reply->element[1]->elements == 3);
    freeReplyObject(reply);
  }
  Ok("nested replies, a transaction");
}

static void PubSub(redisContext* context) {
  redisContext* listener = Connect();
  redisReply* reply = redisCommand(listener, "SUBSCRIBE news");
  EXPECT(reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 && reply->element[2]->integer == 1);
  freeReplyObject(reply);
  for (int i = 0; i < 100; ++i) {
    reply = redisCommand(context, "PUBLISH news %d", i);
    EXPECT(reply->integer == 1);
    freeReplyObject(reply);
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT(redisGetReply(listener, (void**)&reply) == REDIS_OK);
    EXPECT(reply->elements == 3 && strcmp(reply->element[0]->str, "message") == 0 && atoi(reply->element[2]->str) == i);
    freeReplyObject(reply);
  }
  redisFree(listener);
  Ok("a hundred messages in order");
}

int main(void) {
  redisContext* context = Connect();
  Commands(context);
  Bytes(context);
  Pipeline(context);
  Nested(context);
  PubSub(context);
  redisFree(context);
  puts("done");
  return 0;
}
