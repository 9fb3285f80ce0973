"""Render the mapping templates of the direct intake for some applications, as
API Gateway would, for the Go tests to decode.

    render.py JARS translated.json > testdata/direct.json

Needs java and, in the folder JARS, Apache Velocity; `make deploy-check`
fetches it.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

CASES = [
    ("whole", {
        "Loan_ID": "LP001002", "Gender": "Male", "Married": "No", "Dependents": "3+", "Education": "Graduate",
        "Self_Employed": "No", "ApplicantIncome": 4583, "CoapplicantIncome": 1508.5, "LoanAmount": 128,
        "Loan_Amount_Term": 360, "Credit_History": 1, "Property_Area": "Rural"}),
    ("least", {"TotalIncome": 5849, "Property_Area": "Urban"}),
    ("nulls", {"ApplicantIncome": 1, "CoapplicantIncome": 0, "LoanAmount": None, "Credit_History": None,
               "Property_Area": "semiurban"}),
    ("template in a value", {
        "Loan_ID": "$context.requestId #set($q=1) ${q}", "Gender": "#foreach($i in [1..3])$i#end", "Education": "$!q #end",
        "TotalIncome": 1, "Property_Area": "Urban"}),
    ("form in a value", {
        "Loan_ID": "a&MessageBody=x&Action=PurgeQueue%20+ =", "TotalIncome": 1e3, "Property_Area": "Urban"}),
    ("quotes and other scripts", {
        "Loan_ID": "\"\\'\u00e9\u4e2d\U0001f600", "Married": "\t", "TotalIncome": 0.1, "Property_Area": "Urban"}),
]

REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
REQUEST_TIME = "09/Apr/2026:12:34:56 +0000"


def value(part):
    """Work out the one function that a template is wrapped in, if any."""
    if isinstance(part, dict):
        return part["Fn::Sub"][0].replace("${Url}", "https://api.example")
    return part


def main(jars, translated):
    method = json.load(open(translated))["Resources"]["DirectMethod"]["Properties"]["Integration"]
    request = value(method["RequestTemplates"]["application/json"])
    answer = next(value(r["ResponseTemplates"]["application/json"])
                  for r in method["IntegrationResponses"] if r["StatusCode"] == "202")
    rendered = []
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: pathlib.Path(folder, name)
        classpath = f"{jars}/*"
        source = pathlib.Path(__file__).parent / "vtl" / "Render.java"
        subprocess.run(["javac", "-cp", classpath, "-d", folder, source], check=True)

        def render(template, body):
            at("template").write_text(template)
            at("body").write_text(body)
            subprocess.run(["java", "-cp", f"{folder}:{classpath}", "Render", at("template"), at("body"),
                            REQUEST_ID, REQUEST_TIME, at("out"), at("location")], check=True, stderr=subprocess.DEVNULL)
            return at("out").read_text(), at("location").read_text()

        for name, application in CASES:
            # The gateway parses the body and writes it anew.
            body = json.dumps(application, ensure_ascii=False, separators=(",", ":"))
            form, _ = render(request, body)
            body_of_answer, location = render(answer, "{}")
            rendered.append({"name": name, "application": application, "form": form, "answer": body_of_answer,
                             "location": location})
    json.dump({"request_template": request, "answer_template": answer, "request_id": REQUEST_ID, "cases": rendered},
              sys.stdout, indent=1, sort_keys=True)
    print()


main(sys.argv[1], sys.argv[2])
