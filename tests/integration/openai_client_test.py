"""The openai Python client, sync and async, against a real model through real sockets."""

import asyncio
import json
import unittest

import openai

import serving

CHAT = [{"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Name three primary colours."}]
PROMPT = "At sea level, pure water boils at a temperature of"


def setUpModule():
    global server, client, model
    server = serving.Server("smollm2")
    unittest.addModuleCleanup(server.__exit__, None, None, None)
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
    model = client.models.list().data[0].id


def complete(**parameters):
    parameters = {"model": model, "prompt": PROMPT, "max_tokens": 16, "temperature": 0,
                  **parameters}
    return client.completions.create(**parameters)


def chat(**parameters):
    parameters = {"model": model, "messages": CHAT, "max_tokens": 16, "temperature": 0,
                  **parameters}
    return client.chat.completions.create(**parameters)


def token_count(text):
    return server.post("/tokenize", {"prompt": text, "add_special_tokens": False})["count"]


class Models(unittest.TestCase):
    def test_the_model_is_listed_and_can_be_asked_for_by_name(self):
        listed = client.models.list().data
        self.assertEqual(len(listed), 1)
        self.assertEqual(client.models.retrieve(listed[0].id).id, listed[0].id)

    def test_an_unknown_model_is_not_found(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            complete(model="no-such-model")
        self.assertEqual(caught.exception.code, "model_not_found")


class Completions(unittest.TestCase):
    def test_greedy_answers_repeat_and_usage_adds_up(self):
        first, second = complete(), complete()
        self.assertEqual(first.choices[0].text, second.choices[0].text)
        self.assertIn("100", first.choices[0].text)
        self.assertEqual(first.object, "text_completion")
        self.assertEqual(first.choices[0].finish_reason, "length")
        self.assertEqual(first.usage.completion_tokens, 16)
        self.assertEqual(first.usage.prompt_tokens, token_count(PROMPT))
        self.assertEqual(first.usage.total_tokens,
                         first.usage.prompt_tokens + first.usage.completion_tokens)

    def test_max_tokens_is_16_unless_given(self):
        answer = client.completions.create(model=model, prompt=PROMPT, temperature=0)
        self.assertEqual(answer.usage.completion_tokens, 16)

    def test_a_stream_spells_the_same_text(self):
        whole = complete(max_tokens=40)
        events = list(complete(max_tokens=40, stream=True,
                               stream_options={"include_usage": True}))
        self.assertEqual("".join(event.choices[0].text for event in events if event.choices),
                         whole.choices[0].text)
        self.assertEqual(len({event.id for event in events}), 1)
        reasons = [event.choices[0].finish_reason for event in events if event.choices]
        self.assertEqual([reason for reason in reasons if reason], ["length"])
        self.assertEqual(events[-1].choices, [])
        self.assertEqual(events[-1].usage.completion_tokens, 40)
        self.assertEqual(events[-1].usage.prompt_tokens, whole.usage.prompt_tokens)

    def test_continuous_usage_is_in_every_event(self):
        events = list(complete(stream=True, stream_options={
            "include_usage": True, "continuous_usage_stats": True}))
        counts = [event.usage.completion_tokens for event in events]
        self.assertEqual(counts, sorted(counts))
        self.assertEqual(counts[-1], 16)

    def test_n_4_gives_four_choices_and_a_seed_repeats_them(self):
        parameters = {"n": 4, "temperature": 1.0, "seed": 7}
        first, second = complete(**parameters), complete(**parameters)
        texts = [choice.text for choice in first.choices]
        self.assertEqual([choice.index for choice in first.choices], [0, 1, 2, 3])
        self.assertGreater(len(set(texts)), 1, texts)
        self.assertEqual(texts, [choice.text for choice in second.choices])
        self.assertEqual(first.usage.completion_tokens, 64)
        other = complete(n=4, temperature=1.0, seed=8)
        self.assertNotEqual(texts, [choice.text for choice in other.choices])

    def test_n_4_streams_four_interleaved_choices(self):
        whole = complete(n=4, temperature=1.0, seed=7)
        texts, reasons = [""] * 4, [None] * 4
        for event in complete(n=4, temperature=1.0, seed=7, stream=True):
            for choice in event.choices:
                texts[choice.index] += choice.text
                reasons[choice.index] = choice.finish_reason or reasons[choice.index]
        self.assertEqual(texts, [choice.text for choice in whole.choices])
        self.assertEqual(reasons, ["length"] * 4)

    def test_a_list_of_prompts_is_answered_in_order(self):
        other = "The capital of France is"
        both = complete(prompt=[PROMPT, other])
        self.assertEqual([choice.index for choice in both.choices], [0, 1])
        self.assertEqual(both.choices[0].text, complete().choices[0].text)
        self.assertEqual(both.choices[1].text, complete(prompt=other).choices[0].text)

    def test_token_id_prompts_equal_text_prompts(self):
        ids = server.post("/tokenize", {"prompt": PROMPT})["tokens"]
        self.assertEqual(complete(prompt=ids).choices[0].text, complete().choices[0].text)
        answer = complete(prompt=[ids, ids[:4]])
        self.assertEqual(answer.choices[0].text, complete().choices[0].text)
        self.assertEqual(answer.usage.prompt_tokens, len(ids) + 4)

    def test_detokenize_undoes_tokenize(self):
        text = "Grüße, 世界! 🙂\n\ttabs  and spaces "
        ids = server.post("/tokenize", {"prompt": text, "add_special_tokens": False})["tokens"]
        self.assertEqual(server.post("/detokenize", {"tokens": ids})["prompt"], text)

    def test_a_stop_string_ends_the_text_before_it(self):
        whole = complete(max_tokens=40).choices[0].text
        stop = whole[10:14]
        for streams in (False, True):
            answer = complete(max_tokens=40, stop=[stop, "never said"], stream=streams)
            if streams:
                events = list(answer)
                text = "".join(event.choices[0].text for event in events)
                reason = events[-1].choices[0].finish_reason
            else:
                text, reason = answer.choices[0].text, answer.choices[0].finish_reason
            self.assertEqual(text, whole[:whole.index(stop)])
            self.assertEqual(reason, "stop")

    def test_a_stop_token_ends_the_answer(self):
        whole = complete(extra_body={"return_token_ids": True})
        ids = whole.choices[0].token_ids
        answer = complete(extra_body={"stop_token_ids": [ids[5]], "return_token_ids": True})
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        first = ids.index(ids[5])
        self.assertEqual(answer.choices[0].token_ids[:first], ids[:first])
        self.assertLessEqual(len(answer.choices[0].token_ids), first + 1)

    def test_logprobs_describe_each_token(self):
        answer = complete(logprobs=3)
        logprobs = answer.choices[0].logprobs
        self.assertEqual(len(logprobs.tokens), 16)
        self.assertEqual("".join(logprobs.tokens), answer.choices[0].text)
        self.assertEqual(logprobs.text_offset[0], 0)
        for chosen, top in zip(logprobs.token_logprobs, logprobs.top_logprobs):
            self.assertEqual(len(top), 3)
            self.assertAlmostEqual(chosen, max(top.values()), places=5)
            self.assertLessEqual(chosen, 0.0)

    def test_logprobs_of_a_stream_equal_those_of_the_whole(self):
        whole = complete(logprobs=1).choices[0].logprobs
        tokens, values = [], []
        for event in complete(logprobs=1, stream=True):
            if event.choices and event.choices[0].logprobs:
                tokens += event.choices[0].logprobs.tokens
                values += event.choices[0].logprobs.token_logprobs
        self.assertEqual(tokens, whole.tokens)
        self.assertEqual(values, whole.token_logprobs)

    def test_echo_puts_the_prompt_and_its_logprobs_in_front(self):
        plain = complete(max_tokens=4, logprobs=1)
        answer = complete(max_tokens=4, logprobs=1, echo=True)
        self.assertEqual(answer.choices[0].text, PROMPT + plain.choices[0].text)
        logprobs = answer.choices[0].logprobs
        self.assertEqual(len(logprobs.tokens), token_count(PROMPT) + 4)
        self.assertIsNone(logprobs.token_logprobs[0])
        self.assertTrue(all(value < 0 for value in logprobs.token_logprobs[1:]))
        for a, b in zip(logprobs.token_logprobs[-4:], plain.choices[0].logprobs.token_logprobs):
            self.assertAlmostEqual(a, b, places=4)

    def test_token_ids_come_back_on_request(self):
        answer = complete(logprobs=1, extra_body={
            "return_token_ids": True, "return_tokens_as_token_ids": True})
        choice = answer.choices[0]
        self.assertEqual(choice.prompt_token_ids, server.post("/tokenize", {"prompt": PROMPT})[
            "tokens"])
        self.assertEqual(choice.logprobs.tokens, [f"token_id:{i}" for i in choice.token_ids])
        self.assertEqual(server.post("/detokenize", {"tokens": choice.token_ids})["prompt"],
                         choice.text)

    def test_logit_bias_forces_a_token(self):
        ids = complete(max_tokens=3, logit_bias={"28": 100},
                       extra_body={"return_token_ids": True}).choices[0].token_ids
        self.assertEqual(ids, [28, 28, 28])

    def test_ignore_eos_and_min_tokens_go_on_past_the_end(self):
        prompt = "<|im_start|>user\nSay hi.<|im_end|>\n<|im_start|>assistant\n"
        short = complete(prompt=prompt, max_tokens=200)
        self.assertEqual(short.choices[0].finish_reason, "stop")
        used = short.usage.completion_tokens
        longer = complete(prompt=prompt, max_tokens=200, extra_body={"min_tokens": used + 5})
        self.assertGreaterEqual(longer.usage.completion_tokens, used + 5)
        ignoring = complete(prompt=prompt, max_tokens=used + 9, extra_body={"ignore_eos": True})
        self.assertEqual(ignoring.usage.completion_tokens, used + 9)

    def test_an_answer_past_the_window_goes_on(self):
        """The window holds 128 tokens: pages are sealed and read while this one is answered."""
        answer = complete(prompt=PROMPT * 30, max_tokens=150, extra_body={"ignore_eos": True})
        self.assertEqual(answer.usage.completion_tokens, 150)


class Chat(unittest.TestCase):
    def test_an_answer_has_the_required_shape(self):
        answer = chat()
        self.assertEqual(answer.object, "chat.completion")
        self.assertEqual(answer.choices[0].message.role, "assistant")
        self.assertTrue(answer.choices[0].message.content)
        self.assertIn(answer.choices[0].finish_reason, ("stop", "length"))

    def test_a_stream_starts_with_the_role_and_spells_the_same_text(self):
        whole = chat(max_tokens=40).choices[0].message.content
        events = list(chat(max_tokens=40, stream=True, stream_options={"include_usage": True}))
        self.assertEqual(events[0].choices[0].delta.role, "assistant")
        text = "".join(event.choices[0].delta.content or "" for event in events if event.choices)
        self.assertEqual(text, whole)
        self.assertEqual(events[-1].choices, [])
        self.assertGreater(events[-1].usage.completion_tokens, 0)
        self.assertEqual(events[-2].choices[0].finish_reason,
                         chat(max_tokens=40).choices[0].finish_reason)

    def test_n_4(self):
        answer = chat(n=4, temperature=1.0, seed=3)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2, 3])
        self.assertGreater(len({choice.message.content for choice in answer.choices}), 1)

    def test_logprobs(self):
        answer = chat(logprobs=True, top_logprobs=2)
        content = answer.choices[0].logprobs.content
        self.assertEqual(len(content), answer.usage.completion_tokens)
        self.assertEqual(len(content[0].top_logprobs), 2)
        text = b"".join(bytes(entry.bytes) for entry in content).decode()
        self.assertTrue(text.startswith(answer.choices[0].message.content))

    def test_stop_as_one_string(self):
        whole = chat(max_tokens=40).choices[0].message.content
        stop = whole[8:12]
        answer = chat(max_tokens=40, stop=stop)
        self.assertEqual(answer.choices[0].message.content, whole[:whole.index(stop)])
        self.assertEqual(answer.choices[0].finish_reason, "stop")

    def test_max_completion_tokens_is_another_name(self):
        answer = client.chat.completions.create(
            model=model, messages=CHAT, max_completion_tokens=5, temperature=0)
        self.assertEqual(answer.usage.completion_tokens, 5)

    def test_content_parts_are_joined_by_line_breaks(self):
        parts = [{"role": "user", "content": [{"type": "text", "text": "Name three"},
                                              {"type": "text", "text": "primary colours."}]}]
        plain = [{"role": "user", "content": "Name three\nprimary colours."}]
        self.assertEqual(chat(messages=parts).choices[0].message.content,
                         chat(messages=plain).choices[0].message.content)


class Async(unittest.TestCase):
    def test_sixteen_at_once_answer_as_one_alone(self):
        alone = [complete(prompt=PROMPT + f" {i}", max_tokens=24).choices[0].text
                 for i in range(16)]

        async def ask_all():
            async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="none",
                                          max_retries=0) as asynchronous:
                async def ask(i):
                    answer = await asynchronous.completions.create(
                        model=model, prompt=PROMPT + f" {i}", max_tokens=24, temperature=0)
                    return answer.choices[0].text
                return await asyncio.gather(*(ask(i) for i in range(16)))

        self.assertEqual(asyncio.run(ask_all()), alone)

    def test_streams_at_once(self):
        async def stream(asynchronous):
            text, reason = "", None
            async for event in await asynchronous.chat.completions.create(
                    model=model, messages=CHAT, max_tokens=24, temperature=0, stream=True):
                text += event.choices[0].delta.content or ""
                reason = event.choices[0].finish_reason or reason
            return text, reason

        async def stream_all():
            async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="none",
                                          max_retries=0) as asynchronous:
                return await asyncio.gather(*(stream(asynchronous) for _ in range(8)))

        whole = chat(max_tokens=24)
        expected = (whole.choices[0].message.content, whole.choices[0].finish_reason)
        self.assertEqual(asyncio.run(stream_all()), [expected] * 8)


class Wire(unittest.TestCase):
    def test_a_stream_ends_with_done_and_says_event_stream(self):
        connection, response = serving.open_stream(
            server, "/v1/completions", {"model": model, "prompt": PROMPT, "max_tokens": 3})
        self.assertTrue(response.headers["content-type"].startswith("text/event-stream"))
        events = list(serving.read_events(response))
        connection.close()
        self.assertEqual(events[-1], "[DONE]")
        for event in events[:-1]:
            json.loads(event)

    def test_a_request_id_goes_in_and_out(self):
        body = {"model": model, "prompt": PROMPT, "max_tokens": 1}
        _, headers, _ = server.request("POST", "/v1/completions", body,
                                       {"X-Request-Id": "evening-7"})
        self.assertEqual(headers["x-request-id"], "evening-7")
        _, headers, _ = server.request("POST", "/v1/completions", body)
        self.assertTrue(headers["x-request-id"])

    def test_plain_routes_answer(self):
        for path in ("/health", "/livez", "/readyz", "/version", "/metrics", "/v1/models"):
            self.assertEqual(server.get(path)[0], 200, path)


if __name__ == "__main__":
    serving.run_tests("smollm2")
