"""The one page of a board that has no settings yet: Chinese and English, nothing from elsewhere."""

PAGE = """<!doctype html>
<html lang="zh"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>FeverGate</title>
<style>
:root{color-scheme:light dark;font:17px/1.5 system-ui,sans-serif}
body{margin:0 auto;max-width:34rem;padding:1.2rem}
h1{font-size:1.5rem;margin:.2rem 0}
p{margin:.4rem 0}
label{display:block;font-weight:600;margin-top:1.1rem}
small{font-weight:400;opacity:.75;display:block}
input,select,button{font:inherit;width:100%;box-sizing:border-box;padding:.7rem;margin-top:.3rem;
border:1px solid #8888;border-radius:.5rem}
button{background:#0b6b3a;color:#fff;border:0;margin-top:1.6rem;font-weight:600}
button[disabled]{opacity:.5}
#again{background:#7a5200}
#say{margin-top:1rem;padding:.8rem;border-radius:.5rem;display:none;white-space:pre-line}
.bad{display:block!important;background:#b3261e;color:#fff}
.busy{display:block!important;background:#0b4f8a;color:#fff}
.good{display:block!important;background:#0b6b3a;color:#fff}
</style>
<h1>FeverGate 测温机设置</h1>
<p>Set up this kiosk: its file, and the Wi-Fi at the gate.</p>
<form id="form">
<label>测温机文件 Kiosk file
<small>网关上 kiosks/…/kiosk.json · made by “fevergate provision”</small>
<input type="file" id="file" accept=".json,application/json" required></label>
<label>无线网络 Wi-Fi
<small>留空则用文件中的 · empty: as the file has it</small>
<input id="ssid" list="found" maxlength="32" autocapitalize="none" autocomplete="off"></label>
<datalist id="found"></datalist>
<label>无线密码 Wi-Fi password
<input id="password" type="password" maxlength="64" autocomplete="off"></label>
<label>显示语言 Language on the display
<select id="language"><option value="zh">中文</option><option value="en">English</option></select>
</label>
<button id="save">保存 Save</button>
<button id="again" type="button" hidden>仍然保存 Save all the same</button>
</form>
<div id="say" role="status"></div>
<script>
var $=function(i){return document.getElementById(i)},timer;
function say(kind,text){$("say").className=kind;$("say").textContent=text}
function look(){fetch("/state").then(function(r){return r.json()}).then(function(s){
if(s.networks)$("found").replaceChildren.apply($("found"),s.networks.map(function(n){
var o=document.createElement("option");o.value=n;return o}));
if(s.state=="joining"){say("busy",s.text);timer=setTimeout(look,1500)}
else if(s.state=="saved")say("good",s.text);
else if(s.state=="failed"){say("bad",s.text);$("save").disabled=false;$("again").hidden=false}
}).catch(function(){timer=setTimeout(look,2000)})}
function send(anyway){var f=$("file").files[0];
if(!f){say("bad","请选择文件\\nChoose the kiosk's file");return}
$("save").disabled=true;$("again").hidden=true;say("busy","…");
f.text().then(function(text){return fetch("/settings",{method:"POST",
headers:{"Content-Type":"application/json"},body:JSON.stringify({
file:text,ssid:$("ssid").value,password:$("password").value,language:$("language").value,
anyway:anyway})})}).then(function(r){return r.json()}).then(function(s){
if(s.error){say("bad",s.error);$("save").disabled=false}else look()
}).catch(function(){say("bad","没有回应\\nNo answer: is the phone still in this Wi-Fi?");
$("save").disabled=false})}
$("form").onsubmit=function(e){e.preventDefault();send(false)};
$("again").onclick=function(){send(true)};
look();
</script>
</html>
""".encode()
